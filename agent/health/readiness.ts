/** Waits until an instance has shown that it works, as its health check asks; or until that took too long. */
import type { HealthCheck } from '#core/domain/health-check.ts'
import { sleep } from '#core/runtime/clock.ts'
import { diagnoseSilence, isReady, type Diagnosis, type ProbeAnswer } from './health.ts'

export type Readiness = {
  /** With the start timeout that holds on this host. */
  check: HealthCheck
  /** When its process was started, ms since 1970. */
  startedAt: number
  port: number
  /** Frozen: it cannot answer, and the time does not count. */
  isPaused: () => boolean
  ask: () => Promise<ProbeAnswer>
  /** The ports that it listens on. */
  listening: () => Promise<number[]>
  lastOutput: () => string[]
  now: () => number
}

const PROBE_FAST_MS = 20
const PROBE_SLOW_MS = 250
const FAST_FOR_MS = 3_000
/** What is not asked anything is taken for working once it has run for so long. */
const SETTLES_MS = 1_000

/** @returns why it did not become ready in time; null when the signal ended the waiting */
export async function untilReady(wait: Readiness, signal: AbortSignal): Promise<'ready' | Diagnosis | null> {
  const { check, startedAt, now } = wait
  let last: ProbeAnswer = { kind: 'refused' }
  let pausedMs = 0
  for (;;) {
    if (signal.aborted) return null
    if (wait.isPaused()) {
      const from = now()
      await sleep(PROBE_SLOW_MS, signal)
      pausedMs += now() - from
      continue
    }
    const age = now() - startedAt - pausedMs
    if (check.kind !== 'none') last = await wait.ask()
    if (signal.aborted) return null
    if (check.kind === 'none' ? age >= SETTLES_MS : isReady(last)) return 'ready'
    if (age > check.startTimeoutMs) return giveUp(wait, last)
    await sleep(age < FAST_FOR_MS ? PROBE_FAST_MS : PROBE_SLOW_MS, signal)
  }
}

const giveUp = async ({ check, port, listening, lastOutput }: Readiness, last: ProbeAnswer): Promise<Diagnosis> =>
  diagnoseSilence({ check, port, last, listening: await listening(), lastOutput: lastOutput() })
