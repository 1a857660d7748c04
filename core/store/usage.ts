/** The ledger: what was used, by app and by tenant, in buckets of minutes, hours and days. */
import type { AppId, TenantId } from '../domain/ids.ts'
import {
  bucketsOf,
  fromLedger,
  groupsBetween,
  resolutionFor,
  sumUsage,
  toLedger,
  usageKinds,
  type Resolution,
  type UsageTotals,
} from '../domain/usage.ts'
import { batch, type Store } from './connection.ts'
import { keys } from './keys.ts'

/**
 * After this without a sample, a meter is forgotten: a sample delivered even later would count in full again, so whoever
 * keeps samples for later gives them up before.
 */
export const KEEP_METER_MS = 40 * 24 * 3600_000

/** What was used from the beginning of a life until a moment. */
export type UsageSample = {
  /** What was sampled, e.g. an instance's id and life; its sums only grow. */
  subject: string
  tenantId: TenantId
  appId: AppId
  /** ms since 1970: in whose buckets the increase since the sample before is counted. */
  at: number
  /** Sums since the life began; peaks since the sample before. */
  usage: Partial<UsageTotals>
  /** It is the last one. */
  ended: boolean
}

/**
 * Counts cumulative samples, each exactly once, however often they are delivered and in whatever order.
 * @throws when one was not taken; then all of them can be delivered again
 */
export async function recordUsage(store: Store, samples: UsageSample[]): Promise<void> {
  const together = batch(store)
  for (const sample of samples) together.recordUsage(...recordArguments(sample))
  await together.run()
}

function recordArguments({ subject, tenantId, appId, at, usage, ended }: UsageSample): (string | number)[] {
  const buckets = bucketsOf(at)
  return [
    keys.meter(subject),
    ...buckets.map(({ resolution, group }) => keys.usage(`app:${appId}`, resolution.name, group)),
    ...buckets.map(({ resolution, group }) => keys.usage(`tenant:${tenantId}`, resolution.name, group)),
    usageKinds,
    toLedger(usage),
    ended ? 1 : 0,
    KEEP_METER_MS,
    ...buckets.flatMap(({ index, expiresAt }) => [index, expiresAt]),
  ]
}

export type UsageScope = `app:${AppId}` | `tenant:${TenantId}`

/** The buckets of a stretch of time in which something was used, by their beginnings in ms since 1970, in order. */
export async function loadBuckets(
  store: Store,
  scope: UsageScope,
  resolution: Resolution,
  from: number,
  to: number,
): Promise<Map<number, UsageTotals>> {
  const pipeline = store.pipeline()
  for (const group of groupsBetween(resolution, from, to)) pipeline.hgetall(keys.usage(scope, resolution.name, group))
  const found: [number, UsageTotals][] = []
  for (const [error, fields] of (await pipeline.exec()) ?? []) {
    if (error) throw error
    for (const [index, text] of Object.entries(fields as Record<string, string>)) {
      const start = Number(index) * resolution.ms
      if (start + resolution.ms > from && start < to) found.push([start, fromLedger(text)])
    }
  }
  return new Map(found.sort(([a], [b]) => a - b))
}

/** What a tenant used in a stretch of time, destroyed apps included; see usageBetween. */
export const tenantUsage = (store: Store, tenant: TenantId, from: number, to: number, now = to): Promise<UsageTotals> =>
  usageBetween(store, `tenant:${tenant}`, from, to, now)

/**
 * What was used in a stretch of time, in the buckets that touch it.
 * @param from,to ms since 1970; `to` is exclusive
 */
export async function usageBetween(
  store: Store,
  scope: UsageScope,
  from: number,
  to: number,
  now = to,
): Promise<UsageTotals> {
  return sumUsage((await loadBuckets(store, scope, resolutionFor(from, to, now), from, to)).values())
}
