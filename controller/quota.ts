/** What tenants are promised, against their plans. Every change that may promise more goes through `promising`. */
import { quotaExceeded, unavailable } from '#core/domain/errors.ts'
import type { App } from '#core/domain/app.ts'
import type { TenantId } from '#core/domain/ids.ts'
import { planOf, type Plan, type Tenant } from '#core/domain/quota.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { loadPlans } from '#core/store/plans.ts'
import { loadPromises, PromisesMoved } from '#core/store/promises.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { adviceFor, admit, describeQuotaShortage } from './placement/admission.ts'

/** A tenant's account, as one decision sees it. */
export type Account = {
  tenant: Tenant | null
  plan: Plan
  apps: App[]
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
  const [tenant, plans, apps] = await Promise.all([loadTenant(store, id), loadPlans(store), loadApps(store)])
  return { tenant, plan: planOf(plans, tenant), apps: apps.filter(({ tenantId }) => tenantId === id), promises }
}

/**
 * @param what for the sentence: `Scaling hello`
 * @throws QUOTA_EXCEEDED
 */
export function requireRoom({ plan, apps }: Account, changed: Pick<App, 'id' | 'formation'>, what: string): void {
  const short = admit(plan, apps, changed)
  if (short)
    throw quotaExceeded(`${what} ${describeQuotaShortage(plan, short)}. ${adviceFor(short)}`, {
      plan: plan.name,
      ...short,
    })
}
