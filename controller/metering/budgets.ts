/** Watches the monthly budgets: says when a tenant comes near its end, and stops the tenant there. Runs where the reconciler leads. */
import { describeBudget, budgetUse, judgeBudget, monthOf, type BudgetStanding } from '#core/domain/budget.ts'
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
    const { cpuSeconds, egressBytes } = plan.budget
    if (cpuSeconds !== null || egressBytes !== null || tenant.budget !== null) await look(context, tenant, plan)
  }
}

async function look({ store, log, now, wake, usageOf }: BudgetContext, tenant: Tenant, plan: Plan): Promise<void> {
  const at = now()
  const use = budgetUse(await usageOf(tenant.id, monthOf(at).from, at))
  const { standing, news } = judgeBudget(tenant.budget, plan.budget, use, at)
  if (standing === tenant.budget) return
  if (news !== null) {
    const [kind, text] = newsText(tenant.id, plan, standing, news)
    log.info(`budget ${news}`, { tenantId: tenant.id, plan: plan.name, mark: standing?.mark ?? 0, of: standing?.of })
    // Before the standing is kept: told twice is better than never.
    const apps = (await loadApps(store)).filter(({ tenantId }) => tenantId === tenant.id)
    for (const app of apps) await appendEvent(store, app.id, eventOfApp(kind, text, null, at))
  }
  await changeTenant(store, tenant.id, { budget: standing })
  wake()
}

function newsText(
  tenant: TenantId,
  plan: Plan,
  standing: BudgetStanding | null,
  news: 'reached' | 'lifted',
): ['budget' | 'suspended' | 'resumed', string] {
  if (news === 'lifted' || standing === null)
    return ['resumed', `${tenant} runs again: its budget is not used up any more`]
  const used = `${describeBudget(standing)} by ${tenant} (plan ${plan.name})`
  if (standing.mark < 100) return ['budget', `${used}. At 100 % everything of it stops until the month turns`]
  return ['suspended', `${used}: everything of it is stopped until the month turns or its plan is raised`]
}
