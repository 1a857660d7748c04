/**
 * How many requests each instance answered in a stretch of time, as routers counted. An instance is credited when its answer
 * begins, so that a request is counted once at most, whichever instances it was tried on before: what an instance refused or
 * never began to answer is not counted for it, nor is what a router answered itself. WebSockets are not among them.
 */
import type { InstanceId, ProcessType } from './ids.ts'
import { WEB } from './release.ts'

/** Those that answered none are left out. */
export type Answered = ReadonlyMap<InstanceId, number>

/** @returns null: no router said anything, which is not the same as that nobody asked */
export function mergeAnswered(all: readonly (Answered | null)[]): Answered | null {
  const said = all.filter((one) => one !== null)
  if (said.length === 0) return null
  const sum = new Map<InstanceId, number>()
  for (const one of said) for (const [id, count] of one) sum.set(id, (sum.get(id) ?? 0) + count)
  return sum
}

/**
 * @param seconds in which all this was counted
 * @returns null where nothing is known, or nothing to be known
 */
export function answeredPerSecond(
  { id, processType }: { id: InstanceId; processType: ProcessType },
  answered: Answered | null,
  seconds: number,
): number | null {
  return answered === null || !isAsked({ processType }) ? null : (answered.get(id) ?? 0) / seconds
}

/** Whether there are requests of an instance to be counted: routers ask only web processes. */
export const isAsked = ({ processType }: { processType: ProcessType }): boolean => processType === WEB

// ── as the store holds them ──────────────────────────────────────────────────────────────────────────────────────────

/** `i-1:12 i-2:3`; empty where no instance answered any. */
export const packAnswered = (answered: Answered): string =>
  [...answered].map(([id, count]) => `${id}:${count}`).join(' ')

export function unpackAnswered(text: string): Answered {
  const pairs = text === '' ? [] : text.split(' ').map((pair) => pair.split(':') as [InstanceId, string])
  return new Map(pairs.map(([id, count]) => [id, Number(count)]))
}
