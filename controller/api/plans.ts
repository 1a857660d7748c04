/** Plans: named quotas, for operators. */
import type { Request } from 'express'
import { createPlan as createPlanSchema, patchPlan, type PatchPlan, type PlanView } from '#core/contract/api.ts'
import { badRequest, notFound, planBuiltIn, planInUse, planTaken } from '#core/domain/errors.ts'
import { DEFAULT_PLAN, defaultPlan, isPlanName, type Plan, type PlanName } from '#core/domain/quota.ts'
import type { Store } from '#core/store/connection.ts'
import { createPlan, loadPlan, loadPlans, removePlan, savePlan } from '#core/store/plans.ts'
import { loadTenants } from '#core/store/tenants.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'

export const planRoutes = ({ store, log, wake, turns }: ApiContext): Routes => ({
  '/plans': {
    async GET(_req, res) {
      const plans = [...(await loadPlans(store)).values()]
      res.json({ plans: plans.sort((a, b) => a.name.localeCompare(b.name)) satisfies PlanView[] })
    },
    async POST(req, res) {
      const { actor } = callerOf(req)
      const { name, ...limits } = bodyOf(req, createPlanSchema)
      const plan = changePlan({ ...defaultPlan, name }, limits)
      if (name === DEFAULT_PLAN || !(await createPlan(store, plan))) throw planTaken(name)
      log.info('plan created', { plan: name, actor })
      res.status(201).json(plan satisfies PlanView)
    },
  },
  '/plans/:plan': {
    async GET(req, res) {
      res.json((await find(store, req)) satisfies PlanView)
    },
    async PATCH(req, res) {
      const { actor } = callerOf(req)
      const limits = bodyOf(req, patchPlan)
      const plan = await turns.run(PLANS, async () => {
        const changed = changePlan(await find(store, req), limits)
        await savePlan(store, changed)
        return changed
      })
      log.info('plan changed', { plan: plan.name, actor })
      wake()
      res.json(plan satisfies PlanView)
    },
    async DELETE(req, res) {
      const { actor } = callerOf(req)
      await turns.run(PLANS, async () => destroy(store, await find(store, req)))
      log.info('plan destroyed', { plan: param(req, 'plan'), actor })
      res.status(204).end()
    },
  },
})

const PLANS = 'plans'

/** @throws NOT_FOUND */
async function find(store: Store, req: Request): Promise<Plan> {
  const name = param(req, 'plan')
  const plan = isPlanName(name) ? await loadPlan(store, name) : null
  if (!plan) throw notFound('plan', name)
  return plan
}

/**
 * @returns the plan with what is named changed; what one instance may have follows the whole down
 * @throws BAD_REQUEST when one instance may be given more than all together
 */
export function changePlan(plan: Plan, { traffic, budget, ceilings, ...limits }: PatchPlan): Plan {
  const changed: Plan = {
    ...plan,
    ...given(limits),
    traffic: { ...plan.traffic, ...given(traffic ?? {}) },
    budget: { ...plan.budget, ...given(budget ?? {}) },
    ceilings: { ...plan.ceilings, ...given(ceilings ?? {}) },
  }
  if (limits.instanceMemoryMb === undefined)
    changed.instanceMemoryMb = Math.min(changed.instanceMemoryMb, changed.memoryMb)
  if (changed.instanceMemoryMb > changed.memoryMb)
    throw badRequest(
      `instanceMemoryMb: one instance cannot be given ${changed.instanceMemoryMb} MB where all together have ${changed.memoryMb} MB.`,
    )
  return changed
}

/** Without what is not named. */
export const given = <T extends object>(part: T) =>
  Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]-?: Exclude<T[K], undefined>
  }

/**
 * Takes it away, then looks who uses it: whoever was given the plan meanwhile is seen now, or sees that it is gone
 * (usePlan in tenants.ts looks in the other order).
 * @throws PLAN_BUILT_IN, PLAN_IN_USE
 */
async function destroy(store: Store, plan: Plan): Promise<void> {
  if (plan.name === DEFAULT_PLAN) throw planBuiltIn(plan.name)
  const refuseIfUsed = async () => {
    const users = await usersOf(store, plan.name)
    if (users.length > 0) throw planInUse(plan.name, users)
  }
  await refuseIfUsed()
  await removePlan(store, plan.name)
  try {
    await refuseIfUsed()
  } catch (error) {
    await createPlan(store, plan)
    throw error
  }
}

async function usersOf(store: Store, name: PlanName): Promise<string[]> {
  return (await loadTenants(store))
    .filter(({ plan }) => plan === name)
    .map(({ id }) => id)
    .sort()
}
