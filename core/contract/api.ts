/** The HTTP API under /v1: what is sent and what is answered. Errors are RFC 9457 problem details. */
import { z } from 'zod'
import type { BuildSettings, Formation } from '../domain/app.ts'
import { MAX_BUILDPACKS } from '../domain/buildpack.ts'
import type { CertificateSource } from '../domain/certificate.ts'
import { eventKinds, KEEP_EVENTS, type EventKind } from '../domain/event.ts'
import type { HealthCheck } from '../domain/health-check.ts'
import type { Host } from '../domain/host.ts'
import type { Applied, InstanceState, ReasonCode } from '../domain/instance.ts'
import type { BudgetStanding } from '../domain/budget.ts'
import type { AppQuota, EgressPolicy, Plan, RequestRate, TrafficCaps } from '../domain/quota.ts'
import type { DeployKind, DeployState, PhaseTime } from '../domain/release.ts'
import type { RouteSettings } from '../domain/route.ts'
import type { RuntimeRef } from '../domain/slug.ts'
import { usageSteps, type UsageStep, type UsageTotals } from '../domain/usage.ts'
import { window } from './session.ts'
import {
  accessRanges,
  accessUser,
  command,
  cores,
  egress,
  healthCheck,
  hostId,
  planLimits,
  planName,
  processType,
  requestRate,
  routing,
  stackName,
  tenantId,
  trafficCaps,
} from './schema.ts'

export const createApp = z.strictObject({
  name: z.string().max(100).optional(),
  tenant: tenantId.optional(),
  /** A sample app, of `GET /templates`, to deploy at once. */
  template: z.string().max(100).optional(),
})
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

/** How an app is built; what is left out stays as it is, a null is as for every app. The list of buildpacks is a whole. */
export const patchBuild = z.strictObject({
  buildpacks: z.array(z.string().max(1000)).max(MAX_BUILDPACKS).optional(),
  root: z.string().max(300).nullable().optional(),
  branch: z.string().max(300).nullable().optional(),
})
export type PatchBuild = z.infer<typeof patchBuild>

/** A null removes the variable. Names are checked by the API, so that the error names the wrong one. */
export const patchConfig = z.record(z.string(), z.string().max(65_536).nullable())
export type PatchConfig = z.infer<typeof patchConfig>

/** `attach`: somebody comes to the run's session; left out, its output goes to the app's log. */
export const createRun = z.strictObject({
  command,
  env: z.record(z.string(), z.string().max(65_536)).optional(),
  /** Whose size it gets. */
  process: processType.optional(),
  memoryMb: z.int().min(32).max(65_536).optional(),
  cpuMilli: z.int().min(50).max(64_000).optional(),
  timeoutSeconds: z.int().min(1).max(604_800).optional(),
  attach: z.enum(['pipes', 'terminal']).optional(),
  window: window.optional(),
})
export type CreateRun = z.infer<typeof createRun>

export const runQuery = z.strictObject({
  n: z.coerce.number().int().min(1).max(200).default(50),
  job: z.string().max(40).optional(),
})
export const rollback = z.strictObject({ release: z.int().min(1).optional() })
export const createTenant = z.strictObject({ id: tenantId })
/** A null takes back what was set for this tenant alone: its traffic is then its plan's, and no core is its own. */
export const patchTenant = z.strictObject({
  plan: planName.optional(),
  requestRate: requestRate.nullable().optional(),
  traffic: trafficCaps.nullable().optional(),
  cpus: cores.nullable().optional(),
  egress: egress.optional(),
})
/** What is left out stays as it is; a null takes the limit back, and then the app may take all that its tenant may. */
export const patchQuota = trafficCaps.extend({ requests: requestRate.nullable().optional() })
export type PatchQuota = z.infer<typeof patchQuota>
export const suspendTenant = z.strictObject({ reason: z.string().trim().min(1).max(200) })
export const createPlan = planLimits.extend({ name: planName })
export const patchPlan = planLimits
export type PatchPlan = z.infer<typeof patchPlan>
export const createToken = z.strictObject({
  description: z.string().min(1).max(100),
  tenant: tenantId.optional(),
  operator: z.boolean().optional(),
})
export const addDomain = z.strictObject({ address: z.string().min(1).max(500) })
export const patchRouting = routing
export type PatchRouting = z.infer<typeof patchRouting>
/** By process type; a null takes back what was set for it. */
export const patchChecks = z.strictObject({
  processes: z.record(processType, healthCheck.partial().nullable()).optional(),
  autoRollback: z.boolean().optional(),
})
export type PatchChecks = z.infer<typeof patchChecks>
export const patchAccess = accessRanges
export const addAccessUser = accessUser
export const logQuery = z.object({
  n: z.coerce.number().int().min(0).max(1500).default(100),
  tail: z.enum(['0', '1', 'true', 'false']).default('0'),
  source: z.enum(['app', 'build', 'platform', 'router']).optional(),
  ps: z.string().max(40).optional(),
})

/** `tail`: goes on until the build's deploy is over. */
export const buildOutputQuery = z.object({
  tail: z
    .enum(['0', '1', 'true', 'false'])
    .default('0')
    .transform((text) => text === '1' || text === 'true'),
})

export const buildStack = z.strictObject({ host: hostId.optional(), fresh: z.boolean().optional() })
export const changeStack = z.strictObject({
  use: stackName.optional(),
  rollback: z.literal(true).optional(),
  force: z.boolean().optional(),
})
export const eventQuery = z.object({
  n: z.coerce.number().int().min(1).max(KEEP_EVENTS).default(50),
  since: z.iso.datetime({ offset: true }).optional(),
  kind: z.enum(eventKinds).optional(),
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

/** PEM, both of them: the server's certificate and its issuers, and the private key. */
export const addCertificate = z.strictObject({ certificate: z.string().max(131_072), key: z.string().max(16_384) })
export const retryCertificate = z.strictObject({ host: z.string().max(255) })

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
  paused: { at: string; by: string } | null
  /** Why nothing of its tenant runs. */
  suspended: string | null
  build: ShownBuildSettings
}
/** How an app is built, and the buildpacks that have a name here. */
/** Without what only builders need to know. */
export type ShownBuildSettings = Omit<BuildSettings, 'cacheGeneration'>
export type BuildSettingsView = ShownBuildSettings & { available: { own: string[]; offered: string[] } }
export type ReleaseView = {
  version: number
  description: string
  actor: string
  createdAt: string
  commit: string | null
  current: boolean
  /** Its code is not kept any more, so that it cannot be rolled back to. */
  codeGone: boolean
  status: 'rolling' | 'live' | 'failed' | 'superseded'
  /** With a change of sizes, which brings neither code nor config: the sizes from then on. Else null. */
  sizes: Record<string, { memoryMb: number; cpuMilli: number }> | null
  buildpack: string | null
  runtimes: RuntimeRef[]
  processes: Record<string, string>
  configNames: string[]
}
/** What of an app's code is stored. Bytes are those of the layers' images; one that several releases have counts once. */
export type SlugsView = {
  app: string
  /** The one that serves. */
  release: number | null
  currentBytes: number
  bytes: number
  /** Those of the newest release first. */
  layers: {
    digest: string
    kind: 'dependencies' | 'app'
    bytes: number
    releases: number[]
    /** Other apps of the same tenant. */
    sharedWith: string[]
    hosts: string[]
  }[]
  /** What lies on hosts' disks of them. */
  hosts: { host: string; bytes: number }[]
  /** Releases whose code is gone. */
  collected: number[]
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
  /** What took how long, as far as it is over. */
  phases: PhaseTime[]
}
/** A deploy that has a source: its build. */
export type BuildView = DeployView & {
  /** When its host began; null: it waits, or never did. */
  startedAt: string | null
  host: string | null
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
  /** What the kernel holds it to, which follows a change of the size by a moment; null: not known yet. */
  applied: Applied | null
  /** Whether its host has answered the newest change. */
  upToDate: boolean
  cpuMilliUsed: number | null
  memoryBytesUsed: number | null
  startedMs: number | null
  readyMs: number | null
  /** It runs once and ends by itself. */
  once: boolean
}
export type RunView = {
  id: string
  /** `run.12` */
  name: string
  app: string
  command: string
  release: number
  state: 'waiting' | 'placed' | 'ended'
  host: string | null
  actor: string
  /** The job of the app's clock that it is a run of. */
  job: string | null
  createdAt: string
  timeoutSeconds: number
  memoryMb: number
  cpuMilli: number
  end: { at: string; reason: ReasonCode; exitCode: number | null; detail: string } | null
}
/** A job of an app's clock (docs/cron.md). */
export type CronJobView = {
  name: string
  command: string
  schedule: string
  timeoutSeconds: number
  overlap: 'skip' | 'allow' | 'replace'
  /** Why it is never run: its schedule cannot be read. */
  problem: string | null
  paused: { at: string; by: string } | null
  /** null: it is paused, or never comes. */
  nextAt: string | null
  /** The last tick that was run; `run` is null where its record is no longer kept. */
  last: { at: string; run: RunView | null } | null
  /** The last ticks that were not run. */
  missed: { why: string; text: string; first: string; last: string; count: number } | null
  /** The runs that are under way, as `run.12`. */
  running: string[]
}
export type CronView = {
  app: string
  /** Why nothing of the app is run now; null: it is. */
  halted: string | null
  jobs: CronJobView[]
}
export type DomainView = {
  /** `shop.example/api`: how it is named in paths of the API. */
  address: string
  host: string
  path: string
  state: 'pending' | 'verified'
  createdAt: string
  verified: { at: string; by: 'dns' | 'operator' | 'tenant' } | null
  /** The record that shows whose the host is; null when that is known. */
  challenge: { type: 'TXT'; name: string; value: string } | null
  /** What the last look into DNS found, and when the next one is. */
  check: { at: string; problem: string; nextAt: string } | null
  /** How far the certificate for its host is; null while it is pending. */
  certificate: AutomaticView | null
}
/** `own` is the address that the platform gives every app. */
export type DomainsView = { own: string; domains: DomainView[] }
export type RoutingView = Omit<RouteSettings, 'access' | 'quota'>
/** Passwords are never shown. */
export type AccessView = { allow: string[]; users: string[] }
export type CheckView = HealthCheck & {
  process: string
  /** Who said so: the app's owner, its code (app.json), or nobody. */
  from: 'app' | 'code' | 'default'
}
export type ChecksView = {
  app: string
  /** Whether a release that crashes in its first minutes gives way to the one before it. */
  autoRollback: boolean
  checks: CheckView[]
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
export type TenantView = {
  id: string
  createdAt: string
  plan: string
  /** The plan's, if the tenant has none of its own. */
  requestRate: RequestRate
  /** The plan's, but where the tenant has its own. */
  traffic: TrafficCaps
  cpus: string | null
  egress: EgressPolicy
  /** Why nothing of it runs: an operator's reason, or `budget: …`. */
  suspended: { at: string; by: string; reason: string } | null
}
/** With what its plan allows, what is promised of that, and what of the month's budget is used. */
export type TenantDetail = TenantView & {
  limits: Plan
  promised: { apps: number; instances: number; memoryMb: number; diskMb: number }
  budget: {
    month: string
    cpuSeconds: number
    egressBytes: number
    requests: number
    alert: BudgetStanding | null
    requestAlert: BudgetStanding | null
  }
}
export type PlanView = Plan
/** What an app may take of its tenant's traffic, and what that is. */
export type QuotaView = {
  app: string
  tenant: string
  quota: AppQuota
  ofTenant: TrafficCaps & { requests: RequestRate }
}
export type TokenView = { id: string; description: string; tenant: string | null; operator: boolean; createdAt: string }
export type TokenCreated = TokenView & { token: string }
export type WhoamiView = { actor: string; tenant: string | null; operator: boolean }
export type CertificateView = {
  id: string
  source: CertificateSource
  /** null: the platform's. */
  app: string | null
  names: string[]
  /** What routers serve it for. */
  hosts: string[]
  issuer: string
  serial: string
  /** SHA-256, in hex. */
  fingerprint: string
  keyType: string
  validFrom: string
  validTo: string
  addedAt: string
  addedBy: string
}
/** How far the automatic certificate of a host is. */
export type AutomaticView = {
  host: string
  /** `off`: the operator has named no authority. `spared`: one that was uploaded serves the host. */
  state: 'issued' | 'waiting' | 'failing' | 'spared' | 'off'
  certificate: string | null
  /** When it is asked for, renewed, or asked for again. */
  nextAt: string | null
  failures: number
  /** In the authority's words. */
  problem: { at: string; text: string } | null
}
export type CertificatesView = { certificates: CertificateView[]; automatic: AutomaticView[] }
/** The one that was added, and the ids of those whose place it took. */
export type CertificateAdded = CertificateView & { replaced: string[] }
/** One line of `GET …/logs` (newline-delimited JSON). */
export type LogLine = { at: string; source: 'app' | 'build' | 'platform' | 'router'; ps: string; line: string }
export type EventView = {
  at: string
  kind: EventKind
  /** null: the app as a whole. */
  process: string | null
  instance: string | null
  host: string | null
  release: number | null
  actor: string | null
  text: string
  lastOutput: string[]
}
export type StackView = {
  name: string
  /** `lost` is derived from the lease of the host that was to build it. */
  state: 'building' | 'built' | 'failed' | 'lost'
  /** An image that hosts have made for themselves. */
  own: boolean
  inUse: boolean
  debian: string | null
  digest: string | null
  bytes: number | null
  builtAt: string | null
  builtOn: string | null
  instances: number
  hosts: string[]
  error: string | null
}
export type StacksView = {
  /** null: each host's own. */
  current: string | null
  previous: string | null
  instances: number
  onCurrent: number
  stacks: StackView[]
}
/** One line of `GET /v1/stacks/STACK/log` (newline-delimited JSON); the last one carries `end`. */
export type StackLogLine = { line: string } | { end: StackView }
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
