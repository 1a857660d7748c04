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
  const { tokens, at } = refill(bucket, rate, now)
  if (tokens >= 1) return { taken: true, bucket: { tokens: tokens - 1, at }, retryAfterMs: 0 }
  const retryAfterMs = rate.perSecond > 0 ? Math.ceil(((1 - tokens) * 1000) / rate.perSecond) : Infinity
  return { taken: false, bucket: { tokens, at }, retryAfterMs }
}

/** Takes as many of the wanted tokens as are there, for things that come in amounts; see take. */
export function takeUpTo(bucket: Bucket, rate: Rate, now: number, wanted: number): { taken: number; bucket: Bucket } {
  const { tokens, at } = refill(bucket, rate, now)
  const taken = Math.min(tokens, wanted)
  return { taken, bucket: { tokens: tokens - taken, at } }
}

function refill(bucket: Bucket, rate: Rate, now: number): Bucket {
  const elapsedMs = Math.max(0, now - bucket.at)
  return {
    tokens: Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000),
    at: Math.max(now, bucket.at),
  }
}
