/** How long the parts of a build took, one after the other. */
import type { PhaseTime } from '#core/domain/release.ts'

export type Laps = {
  /** What was done since the last call, or since the beginning, was this. */
  lap(name: string): void
  all(): PhaseTime[]
}

/** @param now in ms */
export function startLaps(now: () => number, before: PhaseTime[] = []): Laps {
  const phases = [...before]
  let since = now()
  return {
    lap(name) {
      const at = now()
      phases.push({ name, ms: Math.round(at - since) })
      since = at
    },
    all: () => [...phases],
  }
}
