/** Can running instances be given less memory? */
import { processOf, type Formation } from '#core/domain/app.ts'
import { processName, type Instance } from '#core/domain/instance.ts'

/** MiB. */
export type TooTight = { process: string; usedMb: number; askedMb: number; atLeastMb: number }

const MIB = 1024 * 1024
/** A process that was just measured may use somewhat more a moment later. */
const MARGIN = 1.1
const ROUND_TO_MB = 10

/**
 * @param after the formation as it would be
 * @param instances the app's
 * @returns the running instance that uses more than it would be allowed, the largest of them; null when there is none
 */
export function tightest(after: Formation, instances: Instance[]): TooTight | null {
  const found = instances.flatMap(({ desired, reported, stats }): TooTight[] => {
    const askedMb = processOf(after, desired.processType)?.size.memoryMb
    if (askedMb === undefined || askedMb >= desired.size.memoryMb || stats === null) return []
    if (desired.intent !== 'run' || reported?.state !== 'running') return []
    const usedMb = Math.ceil(stats.memoryBytes / MIB)
    if (usedMb <= askedMb) return []
    const atLeastMb = Math.ceil((usedMb * MARGIN) / ROUND_TO_MB) * ROUND_TO_MB
    return [{ process: processName(desired), usedMb, askedMb, atLeastMb: Math.min(atLeastMb, desired.size.memoryMb) }]
  })
  return found.sort((a, b) => b.usedMb - a.usedMb)[0] ?? null
}
