/** Named quotas. The built-in `default` is there without being stored; one that is stored under its name takes its place. */
import { DEFAULT_PLAN, defaultPlan, type Plan, type PlanName } from '../domain/quota.ts'
import { defaultCeilings } from '../domain/resources.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** @returns false when there is one of this name */
export async function createPlan(store: Store, plan: Plan): Promise<boolean> {
  return (await store.hsetnx(keys.plans, plan.name, pack(plan))) === 1
}

export async function savePlan(store: Store, plan: Plan): Promise<void> {
  await store.hset(keys.plans, plan.name, pack(plan))
}

export async function loadPlan(store: Store, name: PlanName): Promise<Plan | null> {
  const stored = unpack<Plan>(await store.hget(keys.plans, name))
  return stored ? whole(stored) : name === DEFAULT_PLAN ? defaultPlan : null
}

export async function loadPlans(store: Store): Promise<Map<PlanName, Plan>> {
  const stored = Object.values(await store.hgetall(keys.plans)).map((text) => unpack<Plan>(text))
  const plans = [defaultPlan, ...stored.filter((plan) => plan !== null).map(whole)]
  return new Map(plans.map((plan) => [plan.name, plan]))
}

export async function removePlan(store: Store, name: PlanName): Promise<void> {
  await store.hdel(keys.plans, name)
}

/** What an earlier version wrote lacks the newer fields. */
const whole = (stored: Plan): Plan => ({
  ...defaultPlan,
  ...stored,
  traffic: { ...defaultPlan.traffic, ...stored.traffic },
  budget: { ...defaultPlan.budget, ...stored.budget },
  ceilings: { ...defaultCeilings, ...stored.ceilings },
})
