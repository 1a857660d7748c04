/**
 * One life of a sandbox as the meter knows it: what the kernel's counters said last, and what only the meter keeps, the
 * integrals over time. From a new look at the counters follows a sample for the ledger.
 */
import type { AppId, InstanceId, TenantId } from '#core/domain/ids.ts'
import type { Desired } from '#core/domain/instance.ts'
import { noUsage, type UsageTotals } from '#core/domain/usage.ts'
import type { UsageSample } from '#core/store/usage.ts'
import type { Sample, SandboxHandle } from '../sandbox/index.ts'

/** Who pays for what a sandbox uses, and what it is; an instance's figures are shown by `berth ps` too. */
export type Owner = { tenantId: TenantId; appId: AppId; instanceId: InstanceId | null; kind: 'instance' | 'build' }

export const ownerOf = ({ tenantId, appId, id }: Desired): Owner => ({
  tenantId,
  appId,
  instanceId: id,
  kind: 'instance',
})

/** Plain data: it outlives the agent. */
export type Life = {
  owner: Owner
  sandbox: SandboxHandle
  /** Where the image is mounted that it writes to; null: its own scratch image. */
  writable: string | null
  /** When it was looked at last. */
  seen: Instant
  /** What the kernel said then; null before the first look. */
  last: Sample | null
  /** Sums since it began, and the peaks before `seen`. */
  usage: UsageTotals
}

/** Wall clock, ms since 1970, decides into which minute something falls; the monotonic clock, in ms, how long it took. */
export type Instant = { at: number; uptimeMs: number }

export const beginLife = (owner: Owner, sandbox: SandboxHandle, writable: string | null, seen: Instant): Life => ({
  owner,
  sandbox,
  writable,
  seen,
  last: null,
  usage: noUsage,
})

/** The id comes again when an instance starts anew or a build is repeated; its counters then begin at nothing. */
export const subjectOf = ({ id, startedAt }: SandboxHandle): string => `${id}-${startedAt}`

const MIB = 1024 * 1024

/** @param logBytes printed since the life began */
export function advance(life: Life, now: Sample, seen: Instant, logBytes: number): Life {
  const { last, usage } = life
  const isBuild = life.owner.kind === 'build'
  const seconds = Math.max(0, seen.uptimeMs - life.seen.uptimeMs) / 1000
  return {
    ...life,
    seen,
    last: now,
    usage: {
      ...usage,
      cpuSeconds: now.cpuSeconds,
      cpuUserSeconds: now.cpuUserSeconds,
      cpuSystemSeconds: now.cpuSystemSeconds,
      throttledSeconds: now.throttledSeconds,
      networkInBytes: now.networkInBytes,
      networkOutBytes: now.networkOutBytes,
      ioReadBytes: now.ioReadBytes,
      ioWriteBytes: now.ioWriteBytes,
      logBytes,
      memoryMbSeconds: usage.memoryMbSeconds + (memoryBetween(last, now) / MIB) * seconds,
      diskMbSeconds: usage.diskMbSeconds + (mean(last?.diskBytes ?? now.diskBytes, now.diskBytes) / MIB) * seconds,
      memoryPeakBytes: peakBetween(last, now, 'memoryPeakBytes', 'memoryBytes'),
      pidsPeak: peakBetween(last, now, 'pidsPeak', 'pids'),
      diskPeakBytes: Math.max(last?.diskBytes ?? 0, now.diskBytes),
      buildSeconds: isBuild ? usage.buildSeconds + seconds : 0,
      buildCpuSeconds: isBuild ? now.cpuSeconds : 0,
    },
  }
}

/** When all processes are gone, so is the memory that they held; it is taken to have been what it was last seen to be. */
function memoryBetween(last: Sample | null, now: Sample): number {
  if (now.pids === 0) return last?.memoryBytes ?? now.memoryPeakBytes / 2
  return mean(last?.memoryBytes ?? now.memoryBytes, now.memoryBytes)
}

const mean = (one: number, other: number) => (one + other) / 2

/** The kernel's peak is that of the whole life: it is this stretch's only if it rose. */
function peakBetween(
  last: Sample | null,
  now: Sample,
  peak: 'memoryPeakBytes' | 'pidsPeak',
  current: 'memoryBytes' | 'pids',
): number {
  return now[peak] > (last?.[peak] ?? 0) ? now[peak] : Math.max(last?.[current] ?? 0, now[current])
}

export const sampleOf = ({ owner, sandbox, seen, usage }: Life, ended: boolean): UsageSample => ({
  subject: subjectOf(sandbox),
  tenantId: owner.tenantId,
  appId: owner.appId,
  at: seen.at,
  usage,
  ended,
})

/** Thousandths of a core between two looks; null when there was no time between them. */
export function cpuMilliBetween(before: Life, after: Life): number | null {
  const ms = after.seen.uptimeMs - before.seen.uptimeMs
  if (!before.last || !after.last || ms <= 0) return null
  return Math.round(((after.last.cpuSeconds - before.last.cpuSeconds) / ms) * 1e6)
}

export const SAMPLE_EVERY_MS = 10_000

/** Each life has its own second of every ten, so that those of a host are spread evenly. @returns ms since 1970 */
export function nextLook(at: number, id: string): number {
  const phase = ([...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) * 1000) % SAMPLE_EVERY_MS
  return at + SAMPLE_EVERY_MS - ((((at - phase) % SAMPLE_EVERY_MS) + SAMPLE_EVERY_MS) % SAMPLE_EVERY_MS)
}
