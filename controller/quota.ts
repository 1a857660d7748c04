/** What tenants are promised, against their plans. Every change that may promise more goes through `promising`. */
import { quotaExceeded, unavailable } from '#core/domain/errors.ts'
import type { App } from '#core/domain/app.ts'
import type { TenantId } from '#core/domain/ids.ts'
import type { Resources } from '#core/domain/resources.ts'
import { isRelease } from '#core/domain/run.ts'
import { planOf, type Plan, type Tenant } from '#core/domain/quota.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { loadPlans } from '#core/store/plans.ts'
import { loadPromises, PromisesMoved } from '#core/store/promises.ts'
import { loadOpenRuns } from '#core/store/runs.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { adviceFor, admit, admitRun, describeQuotaShortage, type QuotaShortage } from './placement/admission.ts'

/** A tenant's account, as one decision sees it. */
export type Account = {
  tenant: Tenant | null
  plan: Plan
  apps: App[]
  /** Sizes of its one-off runs that are not over; release commands are part of a deploy, which is beside the plan. */
  runs: Resources[]
  /** Hands this state over to the store, which refuses what was decided on an older one. */
  promises: number
}

/** Each failed try means that somebody else's change was taken, so this many are never needed by a few at once. */
const TRIES = 50

/**
 * Runs a change that reads a tenant's account, decides and writes; again when another change came in between.
 * @throws what the change throws; UNAVAILABLE when it never got its turn
 */
export async function promising<T>(store: Store, id: TenantId, change: (account: Account) => Promise<T>): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      return await change(await openAccount(store, id))
    } catch (error) {
      if (!(error instanceof PromisesMoved)) throw error
    }
  }
  throw unavailable(`The account of ${id}, which many change at this moment,`)
}

/** The counter first: what is read after it may be newer, never older. */
export async function openAccount(store: Store, id: TenantId): Promise<Account> {
  const promises = await loadPromises(store, id)
  const [tenant, plans, apps, open] = await Promise.all([
    loadTenant(store, id),
    loadPlans(store),
    loadApps(store),
    loadOpenRuns(store),
  ])
  const runs = open.filter((run) => run.tenantId === id && !isRelease(run)).map(({ size }) => size)
  return { tenant, plan: planOf(plans, tenant), apps: apps.filter(({ tenantId }) => tenantId === id), runs, promises }
}

/**
 * @param what for the sentence: `Scaling hello`
 * @throws QUOTA_EXCEEDED
 */
export function requireRoom(account: Account, changed: Pick<App, 'id' | 'formation'>, what: string): void {
  refuse(account, admit(account.plan, account.apps, changed, account.runs), what)
}

/**
 * @param what for the sentence: `Another run of hello`
 * @throws QUOTA_EXCEEDED
 */
export function requireRoomForRun(account: Account, size: Resources, what: string): void {
  refuse(account, admitRun(account.plan, account.apps, account.runs, size), what)
}

function refuse({ plan }: Account, short: QuotaShortage | null, what: string): void {
  if (short)
    throw quotaExceeded(`${what} ${describeQuotaShortage(plan, short)}. ${adviceFor(short)}`, {
      plan: plan.name,
      ...short,
    })
}
