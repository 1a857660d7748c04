/** Each tenant's request rate, shared by its apps, and by the routers. */
import { fullBucket, take, type Bucket, type Rate, type Taken } from '#core/domain/bucket.ts'
import type { TenantId } from '#core/domain/ids.ts'

export type Admission = { admitted: true } | { admitted: false; retryAfterSeconds: number }

export class RequestQuota {
  #buckets = new Map<TenantId, Bucket>()

  /**
   * Takes one request out of a tenant's budget.
   * @param routers how many routers serve now; each grants its share, so that together they grant the rate
   * @param now ms of a clock that does not go back
   */
  admit(tenant: TenantId, rate: Rate, routers: number, now: number): Admission {
    const share = shareOf(rate, routers)
    const taken = take(this.#buckets.get(tenant) ?? fullBucket(share, now), share, now)
    this.#buckets.set(tenant, taken.bucket)
    return taken.taken ? { admitted: true } : { admitted: false, retryAfterSeconds: retryAfterSeconds(taken) }
  }
}

const shareOf = (rate: Rate, routers: number): Rate => {
  const parts = Math.max(1, routers)
  // Below one token no request would ever pass.
  return { perSecond: rate.perSecond / parts, burst: Math.max(1, rate.burst / parts) }
}

/** Whole seconds, at least 1 (RFC 9110 §10.2.3), at most an hour even for a rate of zero. */
const retryAfterSeconds = ({ retryAfterMs }: Taken): number =>
  Math.min(3600, Math.max(1, Math.ceil(retryAfterMs / 1000)))
