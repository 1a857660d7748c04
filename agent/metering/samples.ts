/** What to do with samples that cannot be delivered yet. They are cumulative, so a later one makes an earlier one needless but for the time that it tells. */
import { usageFields } from '#core/domain/usage.ts'
import type { UsageSample } from '#core/store/usage.ts'

const MINUTE = 60_000

export const isSameMinute = (one: UsageSample, other: UsageSample): boolean =>
  Math.floor(one.at / MINUTE) === Math.floor(other.at / MINUTE)

/** One sample in place of two of the same subject: the sums of the later, the peaks of both. */
export function merge(earlier: UsageSample, later: UsageSample): UsageSample {
  const usage = { ...later.usage }
  for (const { name, kind } of usageFields)
    if (kind === 'peak') usage[name] = Math.max(earlier.usage[name] ?? 0, later.usage[name] ?? 0)
  return { ...later, usage }
}

/**
 * Keeps one sample per subject and stretch of time. No use is lost by that, only in which part of the stretch it was.
 * @param ms the length of a stretch
 */
export function thin(samples: UsageSample[], ms: number): UsageSample[] {
  const kept = new Map<string, UsageSample>()
  for (const sample of samples) {
    const key = `${sample.subject} ${Math.floor(sample.at / ms)}`
    const before = kept.get(key)
    kept.set(key, before ? merge(before, sample) : sample)
  }
  return [...kept.values()]
}
