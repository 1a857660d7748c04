/** What tenants may use: named plans, and what of a plan reaches the hosts. */
import type { Rate } from './bucket.ts'
import type { TenantId } from './ids.ts'
import { defaultCeilings, type Ceilings } from './resources.ts'

/** Requests that all of a tenant's apps together may take. */
export type RequestRate = Rate

export type PlanName = string & { readonly brand: 'PlanName' }

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
  /** Per calendar month (UTC); null: no end. */
  budget: Budget
  /** Of each instance. */
  ceilings: Ceilings
}

export type Budget = { cpuSeconds: number | null; egressBytes: number | null }

/** Destinations outside the platform, as IPv4 CIDRs. `allow` opens what is blocked for all, but for the platform itself. */
export type EgressPolicy = { allow: string[]; deny: string[] }
export const openEgress: EgressPolicy = { allow: [], deny: [] }

export type Tenant = {
  id: TenantId
  createdAt: number
  plan: PlanName
  /** Instead of the plan's. */
  requestRate: RequestRate | null
  /** Cores that are this tenant's alone, on every host, as the kernel's list format has them: `2-3,5`. */
  cpus: string | null
  egress: EgressPolicy
  suspended: Suspension | null
}

export type Suspension = { at: number; by: string; reason: string }

/** What a host needs to know of a tenant to hold it inside its plan. */
export type TenantShare = {
  memoryMb: number
  cpuMilli: number
  weight: number
  cpus: string | null
  egress: EgressPolicy
}

/** Generous, but finite: no tenant can use a router up by accident. */
export const defaultRequestRate: RequestRate = { perSecond: 1000, burst: 2000 }
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
  budget: { cpuSeconds: null, egressBytes: null },
  ceilings: defaultCeilings,
}

export const shareOf = (tenant: Pick<Tenant, 'cpus' | 'egress'>, plan: Plan): TenantShare => ({
  memoryMb: plan.memoryMb,
  cpuMilli: plan.cpuMilli,
  weight: plan.weight,
  cpus: tenant.cpus,
  egress: tenant.egress,
})

export const defaultShare: TenantShare = shareOf({ cpus: null, egress: openEgress }, defaultPlan)
