/** What each tenant may use on this host, from what is desired of its instances here. */
import type { TenantId } from '#core/domain/ids.ts'
import type { Desired } from '#core/domain/instance.ts'
import type { TenantShare } from '#core/domain/quota.ts'

type Wish = Pick<Desired, 'tenantId' | 'share' | 'size' | 'since' | 'epoch'>

/**
 * Admission keeps a tenant's instances within its plan, so the plan's memory is the cap. For the time of a rollout two sets
 * run beside each other, and the cap is what they were promised: a deploy must not kill what serves.
 */
export function sharesOf(wishes: Iterable<Wish>): Map<TenantId, TenantShare> {
  const byTenant = Map.groupBy(wishes, ({ tenantId }) => tenantId)
  return new Map([...byTenant].map(([tenantId, mine]) => [tenantId, shareOf(mine)]))
}

function shareOf(wishes: Wish[]): TenantShare {
  const promised = wishes.reduce((sum, { size }) => sum + size.memoryMb, 0)
  const [newest] = [...wishes].sort((a, b) => b.since - a.since || b.epoch - a.epoch)
  if (newest === undefined) throw new Error('A tenant without instances has no share here.')
  return { ...newest.share, memoryMb: Math.max(newest.share.memoryMb, promised) }
}
