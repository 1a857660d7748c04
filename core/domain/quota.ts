/** What tenants may use: named plans, and what of a plan reaches the hosts. */
import type { Rate } from './bucket.ts'
import { describeBudget, monthOf, type Budget, type BudgetStanding } from './budget.ts'
import { isId, type TenantId } from './ids.ts'
import { DEFAULT_LOG_KB } from './log.ts'
import { defaultCeilings, defaultResources, type Ceilings, type Resources } from './resources.ts'

/** Requests that all of a tenant's apps together may take. */
export type RequestRate = Rate

/** What of the routers may be taken at a time, beside the rate of requests; null: no limit. */
export type TrafficCaps = {
  /** Requests in flight. */
  concurrent: number | null
  /** Client connections on which its requests came last, WebSockets apart. */
  connections: number | null
  webSockets: number | null
  /** Of request and of response bodies. */
  inBytesPerSecond: number | null
  outBytesPerSecond: number | null
}

/** What all of a tenant's traffic together may take of the routers, however many there are. */
export type TrafficQuota = TrafficCaps & {
  requests: RequestRate
  /** The month's requests are used up: the routers refuse all until then, in ms since 1970; null: they are not. */
  stopped: number | null
}

/** What one app may take of what its tenant may; null: as much as its tenant. */
export type AppQuota = TrafficCaps & { requests: RequestRate | null }

export type PlanName = string & { readonly __brand: 'PlanName' }

/** A named quota. Sums are over all of a tenant's apps and hosts. */
export type Plan = {
  name: PlanName
  memoryMb: number
  cpuMilli: number
  diskMb: number
  instances: number
  apps: number
  /** The most that one instance may be given. */
  instanceMemoryMb: number
  /** CPU time on a busy host goes to tenants by weight, whatever number of instances each has; 100 is ordinary. */
  weight: number
  requestRate: RequestRate
  traffic: TrafficCaps
  /** Per calendar month (UTC); null: no end. */
  budget: Budget
  /** Of each instance. */
  ceilings: Ceilings
  /** What is kept of each app's log, in KiB of lines. */
  logKb: number
}

/** Destinations outside the platform, as IPv4 CIDRs. `allow` opens what is blocked for all, but for the platform itself. */
export type EgressPolicy = { allow: string[]; deny: string[] }
export const openEgress: EgressPolicy = { allow: [], deny: [] }

export type Tenant = {
  id: TenantId
  createdAt: number
  plan: PlanName
  /** Instead of the plan's. */
  requestRate: RequestRate | null
  /** What is named here is instead of the plan's. */
  traffic: Partial<TrafficCaps>
  /** Cores that are this tenant's alone, on every host, as the kernel's list format has them: `2-3,5`. */
  cpus: string | null
  egress: EgressPolicy
  /** By an operator; lasts until an operator takes it back. */
  suspended: Suspension | null
  /** How the month's budget stands, as the leading controller saw it last; null: it never had to say anything. */
  budget: BudgetStanding | null
  /** The same of the month's requests, which only the routers stop. */
  requestBudget: BudgetStanding | null
}

export type Suspension = { at: number; by: string; reason: string }

/** What a host needs to know of a tenant to hold it inside its plan. */
export type TenantShare = {
  /** Of all that it runs on the host: more than its plan's memory, because what replaces an instance runs beside it for a while. */
  memoryMb: number
  cpuMilli: number
  weight: number
  cpus: string | null
  egress: EgressPolicy
}

/** Generous, but finite: no tenant can use a router up by accident. */
export const defaultRequestRate: RequestRate = { perSecond: 1000, burst: 2000 }
/** Below what one router process can hold open, so that a tenant without a plan leaves room for the others. */
export const defaultCaps: TrafficCaps = {
  concurrent: 5_000,
  connections: 15_000,
  webSockets: 10_000,
  inBytesPerSecond: null,
  outBytesPerSecond: null,
}
export const noCaps: TrafficCaps = {
  concurrent: null,
  connections: null,
  webSockets: null,
  inBytesPerSecond: null,
  outBytesPerSecond: null,
}
export const defaultTraffic: TrafficQuota = { ...defaultCaps, requests: defaultRequestRate, stopped: null }
export const DEFAULT_TENANT = 'default' as TenantId
export const DEFAULT_PLAN = 'default' as PlanName

/** What a tenant has whom nobody gave a plan: the whole of a few machines, but not without end. */
export const defaultPlan: Plan = {
  name: DEFAULT_PLAN,
  memoryMb: 262_144,
  cpuMilli: 128_000,
  diskMb: 2_097_152,
  instances: 1000,
  apps: 200,
  instanceMemoryMb: 65_536,
  weight: 100,
  requestRate: defaultRequestRate,
  traffic: defaultCaps,
  budget: { cpuSeconds: null, egressBytes: null, requests: null },
  ceilings: defaultCeilings,
  logKb: DEFAULT_LOG_KB,
}

/** The name of a plan: as a tenant's. */
export const isPlanName = (text: string): text is PlanName => text.length <= 30 && isId(text)

/** The plan's own figures. Builds are beside it, and what a rollout runs beside what serves is the host's to add. */
export const shareOf = (tenant: Pick<Tenant, 'cpus' | 'egress'>, plan: Plan): TenantShare => ({
  memoryMb: plan.memoryMb,
  cpuMilli: plan.cpuMilli,
  weight: plan.weight,
  cpus: tenant.cpus,
  egress: tenant.egress,
})

export const defaultShare: TenantShare = shareOf({ cpus: null, egress: openEgress }, defaultPlan)

/** A tenant's plan. One whose plan is not there has the default one. */
export const planOf = (plans: ReadonlyMap<PlanName, Plan>, tenant: Pick<Tenant, 'plan'> | null): Plan =>
  plans.get(tenant?.plan ?? DEFAULT_PLAN) ?? plans.get(DEFAULT_PLAN) ?? defaultPlan

/** The size of an instance for which nobody asked for another: the usual one, or what the plan allows. */
export const usualSize = (plan: Plan): Resources => ({
  memoryMb: Math.min(defaultResources.memoryMb, plan.instanceMemoryMb, plan.memoryMb),
  cpuMilli: Math.min(defaultResources.cpuMilli, plan.cpuMilli),
  pids: defaultResources.pids,
  diskMb: Math.min(defaultResources.diskMb, plan.diskMb),
})

/** What the routers hold a tenant to: its plan's terms, but where it has its own. */
export function trafficOf(
  tenant: Pick<Tenant, 'requestRate' | 'traffic' | 'requestBudget'> | null,
  plan: Pick<Plan, 'requestRate' | 'traffic'>,
): TrafficQuota {
  return {
    ...plan.traffic,
    ...tenant?.traffic,
    requests: tenant?.requestRate ?? plan.requestRate,
    stopped: tenant?.requestBudget?.mark === 100 ? monthOf(tenant.requestBudget.at).to : null,
  }
}

/** Why nothing of a tenant runs: an operator said so, or its budget is used up; null when it may run. */
export function suspensionOf(tenant: Pick<Tenant, 'suspended' | 'budget'>): Suspension | null {
  if (tenant.suspended) return tenant.suspended
  const { budget } = tenant
  if (budget?.mark !== 100) return null
  return { at: budget.at, by: 'berth', reason: `budget: ${describeBudget(budget)}` }
}

const CORES = /^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/

/**
 * Reads the kernel's list format (cpuset(7), "List format"): `2-3,5`.
 * @returns the cores, ascending; null when it is none
 */
export function parseCores(text: string): number[] | null {
  if (!CORES.test(text)) return null
  const cores = new Set<number>()
  for (const part of text.split(',')) {
    const [first = 0, last = first] = part.split('-').map(Number)
    if (last < first) return null
    for (let core = first; core <= last; core++) cores.add(core)
  }
  return [...cores].sort((a, b) => a - b)
}
