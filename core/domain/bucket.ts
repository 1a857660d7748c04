/** Token bucket: credit flows in at a steady rate up to a cap; each request takes one. Time is an argument. */
export type Bucket = { tokens: number; at: number }
export type Rate = { perSecond: number; burst: number }
export type Taken = { taken: boolean; bucket: Bucket; retryAfterMs: number }

export const fullBucket = (rate: Rate, now: number): Bucket => ({ tokens: rate.burst, at: now })

/**
 * Takes one token.
 * @param now milliseconds of a clock that does not go back; a step back adds nothing
 * @returns the new bucket; when refused, after how many ms a token will be there
 */
export function take(bucket: Bucket, rate: Rate, now: number): Taken {
  const elapsedMs = Math.max(0, now - bucket.at)
  const tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000)
  const at = Math.max(now, bucket.at)
  if (tokens >= 1) return { taken: true, bucket: { tokens: tokens - 1, at }, retryAfterMs: 0 }
  const retryAfterMs = rate.perSecond > 0 ? Math.ceil(((1 - tokens) * 1000) / rate.perSecond) : Infinity
  return { taken: false, bucket: { tokens, at }, retryAfterMs }
}
