/** Tenants: operators make them, set their quotas, and suspend them; a member sees its own. */
import {
  createTenant as createTenantSchema,
  patchTenant,
  suspendTenant,
  type TenantDetail,
} from '#core/contract/api.ts'
import { budgetUse, monthOf } from '#core/domain/budget.ts'
import { egressFault, readCidr } from '#core/domain/cidr.ts'
import { badRequest, coresTaken, notFound, tenantTaken } from '#core/domain/errors.ts'
import type { TenantId } from '#core/domain/ids.ts'
import {
  parseCores,
  planOf,
  type EgressPolicy,
  type PlanName,
  type Suspension,
  type Tenant,
} from '#core/domain/quota.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadPlan, loadPlans } from '#core/store/plans.ts'
import {
  changeTenant,
  createTenant,
  loadTenant,
  loadTenants,
  newTenant,
  type TenantChange,
} from '#core/store/tenants.ts'
import { tenantUsage } from '#core/store/usage.ts'
import { eventOfApp } from '../events.ts'
import { promisedTo } from '../placement/admission.ts'
import { openAccount } from '../quota.ts'
import { tenantOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { given } from './plans.ts'
import { pageOf } from './pages.ts'
import type { Routes } from './routes.ts'
import { tenantView } from './views.ts'

export const tenantRoutes = (context: ApiContext): Routes => ({
  '/tenants': {
    async GET(req, res) {
      const [tenants, plans] = await Promise.all([loadTenants(context.store), loadPlans(context.store)])
      tenants.sort((a, b) => a.id.localeCompare(b.id))
      const { items, next } = pageOf(req, tenants, { name: 'tenants', id: ({ id }) => id, at: ({ id }) => id })
      res.json({ tenants: items.map((tenant) => tenantView(tenant, planOf(plans, tenant))), ...next })
    },
    async POST(req, res) {
      const { actor } = callerOf(req)
      const { id } = bodyOf(req, createTenantSchema)
      const tenant = newTenant(id, context.now())
      if (!(await createTenant(context.store, tenant))) throw tenantTaken(id)
      context.log.info('tenant created', { tenantId: id, actor })
      res.status(201).json(await show(id, context))
    },
  },
  '/tenants/:tenant': {
    async GET(req, res) {
      res.json(await show(tenantOf(req), context))
    },
    async PATCH(req, res) {
      const id = tenantOf(req)
      const { actor } = callerOf(req)
      const tenant = await find(context.store, id)
      const { plan, requestRate, traffic, cpus, egress } = bodyOf(req, patchTenant)
      const change: TenantChange = {
        ...(requestRate === undefined ? {} : { requestRate }),
        ...(traffic === undefined ? {} : { traffic: traffic === null ? {} : { ...tenant.traffic, ...given(traffic) } }),
        ...(egress === undefined ? {} : { egress: changeEgress(tenant.egress, egress) }),
      }
      if (cpus !== undefined) change.cpus = await freeCores(context.store, id, cpus)
      if (plan !== undefined) await usePlan(context.store, tenant, plan)
      await changeTenant(context.store, id, change)
      context.log.info('tenant quota changed', { tenantId: id, plan, requestRate, traffic, cpus, egress, actor })
      context.wake()
      res.json(await show(id, context))
    },
  },
  '/tenants/:tenant/suspend': {
    async POST(req, res) {
      const id = tenantOf(req)
      const { actor } = callerOf(req)
      const { reason } = bodyOf(req, suspendTenant)
      await find(context.store, id)
      await suspend(id, { at: context.now(), by: actor, reason }, actor, context)
      res.json(await show(id, context))
    },
  },
  '/tenants/:tenant/resume': {
    async POST(req, res) {
      const id = tenantOf(req)
      const { actor } = callerOf(req)
      const { suspended } = await find(context.store, id)
      if (suspended) await suspend(id, null, actor, context)
      res.json(await show(id, context))
    },
  },
})

async function find(store: Store, id: TenantId): Promise<Tenant> {
  const tenant = await loadTenant(store, id)
  if (!tenant) throw notFound('tenant', id)
  return tenant
}

/** @throws NOT_FOUND */
async function show(id: TenantId, { store, now }: ApiContext): Promise<TenantDetail> {
  const { tenant, plan, apps, runs } = await openAccount(store, id)
  if (!tenant) throw notFound('tenant', id)
  const month = monthOf(now())
  const used = budgetUse(await tenantUsage(store, id, month.from, now()))
  return {
    ...tenantView(tenant, plan),
    limits: plan,
    promised: promisedTo(apps, runs),
    budget: { month: month.name, ...used, alert: tenant.budget, requestAlert: tenant.requestBudget },
  }
}

/** Writes first, then looks whether the plan is still there: see destroy in plans.ts. @throws NOT_FOUND */
async function usePlan(store: Store, { id, plan: before }: Tenant, plan: PlanName): Promise<void> {
  if (!(await loadPlan(store, plan))) throw notFound('plan', plan)
  await changeTenant(store, id, { plan })
  if (await loadPlan(store, plan)) return
  await changeTenant(store, id, { plan: before })
  throw notFound('plan', plan)
}

/** @throws CORES_TAKEN */
async function freeCores(store: Store, id: TenantId, wanted: string | null): Promise<string | null> {
  const cores = new Set(wanted === null ? [] : parseCores(wanted))
  for (const { id: other, cpus } of await loadTenants(store)) {
    const taken = other === id || cpus === null ? [] : (parseCores(cpus) ?? []).filter((core) => cores.has(core))
    if (taken.length > 0) throw coresTaken(taken.join(','), other)
  }
  return wanted
}

/** A list that is given takes the place of the one before. @throws BAD_REQUEST */
function changeEgress(before: EgressPolicy, given: { [K in keyof EgressPolicy]?: string[] | undefined }): EgressPolicy {
  const after = { allow: given.allow ?? before.allow, deny: given.deny ?? before.deny }
  const fault = egressFault(after)
  if (fault) throw badRequest(fault)
  const written = (list: string[]) => list.map(readCidr).filter((cidr) => cidr !== null)
  return { allow: written(after.allow), deny: written(after.deny) }
}

/** Nothing is lost: the reconciler stops what runs, and brings it back when it is resumed. */
async function suspend(id: TenantId, suspended: Suspension | null, actor: string, context: ApiContext): Promise<void> {
  const { store, now, wake, log } = context
  await changeTenant(store, id, { suspended })
  wake()
  const kind = suspended ? 'suspended' : 'resumed'
  log.info(`tenant ${kind}`, { tenantId: id, reason: suspended?.reason, actor })
  const text = suspended ? `${id} was suspended: ${suspended.reason}` : `${id} was resumed`
  const apps = (await loadApps(store)).filter(({ tenantId }) => tenantId === id)
  for (const app of apps) await appendEvent(store, app.id, eventOfApp(kind, text, actor, now()))
}
