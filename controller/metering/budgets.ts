/**
 * Watches the monthly budgets: says when a tenant comes near its end, and stops the tenant there, or where that are its
 * requests, has the routers stop them. Runs where the reconciler leads.
 */
import {
  budgetUse,
  describeBudget,
  judgeBudget,
  monthOf,
  requestBudgets,
  runningBudgets,
  type Budget,
  type BudgetStanding,
} from '#core/domain/budget.ts'
import { planOf, type Plan, type Tenant } from '#core/domain/quota.ts'
import type { TenantId } from '#core/domain/ids.ts'
import type { UsageTotals } from '#core/domain/usage.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadPlans } from '#core/store/plans.ts'
import { changeTenant, loadTenants } from '#core/store/tenants.ts'
import { eventOfApp } from '../events.ts'

export type BudgetContext = {
  store: Store
  log: Log
  now: () => number
  /** Tells the reconciler to look now. */
  wake: () => void
  /** What a tenant used from one time to another, ms since 1970. */
  usageOf: (tenant: TenantId, from: number, to: number) => Promise<UsageTotals>
}

/** Samples of usage come as often. */
const LOOK_EVERY_MS = 10_000

/** @param held aborts when this process leads no more */
export async function watchBudgets(context: BudgetContext, held: AbortSignal): Promise<void> {
  await repeat(
    LOOK_EVERY_MS,
    () => lookAtBudgets(context),
    held,
    (error) => context.log.warn('budgets not looked at', { error }),
  )
}

/** Once: each tenant whose plan has a budget, and each that was told something of one that it no longer has. */
export async function lookAtBudgets(context: BudgetContext): Promise<void> {
  const [tenants, plans] = await Promise.all([loadTenants(context.store), loadPlans(context.store)])
  for (const tenant of tenants) {
    const plan = planOf(plans, tenant)
    const isLimited = Object.values(plan.budget).some((limit) => limit !== null)
    if (isLimited || tenant.budget !== null || tenant.requestBudget !== null) await look(context, tenant, plan)
  }
}

async function look(context: BudgetContext, tenant: Tenant, plan: Plan): Promise<void> {
  const at = context.now()
  const use = budgetUse(await context.usageOf(tenant.id, monthOf(at).from, at))
  await judge('budget', runningBudgets)
  await judge('requestBudget', requestBudgets)

  async function judge(field: 'budget' | 'requestBudget', among: readonly (keyof Budget)[]): Promise<void> {
    const { standing, news } = judgeBudget(tenant[field], plan.budget, use, at, among)
    if (standing === tenant[field]) return
    if (news !== null) await tell(context, tenant, plan, standing, newsText(tenant.id, plan, standing, news, field), at)
    await changeTenant(context.store, tenant.id, { [field]: standing })
    context.wake()
  }
}

/** Before the standing is kept: told twice is better than never. */
async function tell(
  { store, log }: BudgetContext,
  tenant: Tenant,
  plan: Plan,
  standing: BudgetStanding | null,
  [kind, text]: News,
  at: number,
): Promise<void> {
  log.info('budget looked at', { tenantId: tenant.id, plan: plan.name, mark: standing?.mark ?? 0, of: standing?.of })
  const apps = (await loadApps(store)).filter(({ tenantId }) => tenantId === tenant.id)
  for (const app of apps) await appendEvent(store, app.id, eventOfApp(kind, text, null, at))
}

type News = [kind: 'budget' | 'suspended' | 'resumed', text: string]

function newsText(
  tenant: TenantId,
  plan: Plan,
  standing: BudgetStanding | null,
  news: 'reached' | 'lifted',
  field: 'budget' | 'requestBudget',
): News {
  const ofRequests = field === 'requestBudget'
  if (news === 'lifted' || standing === null)
    return ofRequests
      ? ['budget', `requests to ${tenant} are let in again: its budget of them is not used up any more`]
      : ['resumed', `${tenant} runs again: its budget is not used up any more`]
  const used = `${describeBudget(standing)} by ${tenant} (plan ${plan.name})`
  const [end, stop] = ofRequests
    ? ['requests to it are refused', 'requests to it are refused']
    : ['everything of it stops', 'everything of it is stopped']
  if (standing.mark < 100) return ['budget', `${used}. At 100 % ${end} until the month turns`]
  return [ofRequests ? 'budget' : 'suspended', `${used}: ${stop} until the month turns or its plan is raised`]
}
