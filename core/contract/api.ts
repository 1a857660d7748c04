/** The HTTP API under /v1: what is sent and what is answered. Errors are RFC 9457 problem details. */
import { z } from 'zod'
import type { Formation } from '../domain/app.ts'
import type { Host } from '../domain/host.ts'
import type { InstanceState, ReasonCode } from '../domain/instance.ts'
import type { DeployKind, DeployState } from '../domain/release.ts'
import type { RuntimeRef } from '../domain/slug.ts'
import { usageSteps, type UsageStep, type UsageTotals } from '../domain/usage.ts'
import { processType, tenantId } from './schema.ts'

export const createApp = z.strictObject({ name: z.string().max(100).optional(), tenant: tenantId.optional() })
export type CreateApp = z.infer<typeof createApp>

/** `{ web: { count: 2, memoryMb: 256 } }`; what is left out stays as it is. */
export const patchFormation = z.record(
  processType,
  z.strictObject({
    count: z.int().min(0).max(1000).optional(),
    memoryMb: z.int().min(32).max(65_536).optional(),
    cpuMilli: z.int().min(50).max(64_000).optional(),
  }),
)
export type PatchFormation = z.infer<typeof patchFormation>

/** A null removes the variable. Names are checked by the API, so that the error names the wrong one. */
export const patchConfig = z.record(z.string(), z.string().max(65_536).nullable())
export type PatchConfig = z.infer<typeof patchConfig>

export const rollback = z.strictObject({ release: z.int().min(1).optional() })
export const createTenant = z.strictObject({ id: tenantId })
export const patchTenant = z.strictObject({
  requestRate: z.strictObject({ perSecond: z.number().min(0).max(1e6), burst: z.number().min(1).max(1e6) }),
})
export const createToken = z.strictObject({
  description: z.string().min(1).max(100),
  tenant: tenantId.optional(),
  operator: z.boolean().optional(),
})
export const logQuery = z.object({
  n: z.coerce.number().int().min(0).max(1500).default(100),
  tail: z.enum(['0', '1', 'true', 'false']).default('0'),
  source: z.enum(['app', 'build', 'platform', 'router']).optional(),
  ps: z.string().max(40).optional(),
})

/** A day or a moment of ISO 8601 (RFC 3339), as ms since 1970. A day begins at midnight UTC. */
const instant = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    message: 'must be a day like 2026-11-01, or a time like 2026-11-01T08:30:00Z',
  })
  .transform((text) => Date.parse(text))
export const usageQuery = z.strictObject({
  from: instant.optional(),
  to: instant.optional(),
  by: z.enum(usageSteps).optional(),
})
export type UsageQuery = z.infer<typeof usageQuery>

export type AppView = {
  id: string
  name: string
  tenant: string
  url: string
  gitUrl: string
  createdAt: string
  formation: Formation
  release: number | null
  rollout: { release: number; state: 'rolling' | 'done' | 'failed'; detail: string } | null
}
export type ReleaseView = {
  version: number
  description: string
  actor: string
  createdAt: string
  commit: string | null
  current: boolean
  status: 'rolling' | 'live' | 'failed' | 'superseded'
  buildpack: string
  runtimes: RuntimeRef[]
  processes: Record<string, string>
  configNames: string[]
}
export type DeployView = {
  id: string
  kind: DeployKind
  state: DeployState
  description: string
  actor: string
  createdAt: string
  endedAt: string | null
  commit: string | null
  release: number | null
  error: string | null
}
/** The answer to a call that makes a release: follow `GET /v1/apps/APP/deploys/ID/log`. */
export type DeployAccepted = { deploy: DeployView }
export type InstanceView = {
  id: string
  name: string
  app: string
  tenant: string
  process: string
  release: number
  host: string
  /** `lost` is derived from a host lease that lapsed. */
  state: InstanceState | 'lost'
  intent: string
  since: string
  restarts: number
  reason: ReasonCode | null
  detail: string | null
  memoryMb: number
  cpuMilli: number
  cpuMilliUsed: number | null
  memoryBytesUsed: number | null
  startedMs: number | null
  readyMs: number | null
}
export type HostView = Host & { reserved: { memoryMb: number; cpuMilli: number; diskMb: number; slots: number } }
/** The time that is meant, at the edges of what the ledger keeps apart; `to` is exclusive. */
export type PeriodView = { from: string; to: string; by: UsageStep | null }
/** `buckets` has the steps of `by` in which anything was used, in order. */
export type UsedView = { usage: UsageTotals; buckets: { from: string; usage: UsageTotals }[] }
export type UsageView = PeriodView & UsedView & { app: string; tenant: string; memoryMbHours: number }
export type AppUsageView = UsedView & { app: string; destroyed: boolean }
export type TenantUsageView = PeriodView & UsedView & { tenant: string; apps: AppUsageView[] }
export type AllUsageView = PeriodView & { usage: UsageTotals; tenants: TenantUsageView[] }
export type TenantView = { id: string; createdAt: string; requestRate: { perSecond: number; burst: number } }
export type TokenView = { id: string; description: string; tenant: string | null; operator: boolean; createdAt: string }
export type TokenCreated = TokenView & { token: string }
export type WhoamiView = { actor: string; tenant: string | null; operator: boolean }
/** One line of `GET …/logs` (newline-delimited JSON). */
export type LogLine = { at: string; source: 'app' | 'build' | 'platform' | 'router'; ps: string; line: string }
/** One line of `GET …/deploys/ID/log` (newline-delimited JSON); the last one carries `end`. */
export type DeployLogLine = { line: string } | { end: DeployView }
export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  code: string
  requestId: string
} & Record<string, unknown>
