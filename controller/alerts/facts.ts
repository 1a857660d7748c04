/** What alerts are decided on, as data. */
import type { AlertRules } from '#core/domain/alert.ts'
import type { BudgetStanding } from '#core/domain/budget.ts'
import type { Certificate, Standing as CertificateStanding } from '#core/domain/certificate.ts'
import type { CronStanding } from '#core/domain/cron.ts'
import type { HostDisk, RefusedJobs } from '#core/domain/host.ts'
import type { AppId, AppName, HostId, TenantId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'

/** Of an app, over the last 10 s or so. */
export type TrafficFigures = { requestsPerSecond: number; errorsPerSecond: number; p95Ms: number | null }

export type WatchedApp = {
  id: AppId
  name: AppName
  tenantId: TenantId
  rules: AlertRules
  instances: Instance[]
  /** null: not known. */
  traffic: TrafficFigures | null
  /** By the jobs' names. */
  clocks: ReadonlyMap<string, CronStanding>
}

export type WatchedTenant = {
  id: TenantId
  rules: AlertRules
  budget: BudgetStanding | null
  requestBudget: BudgetStanding | null
}

export type WatchedHost = {
  id: HostId
  live: boolean
  cordoned: boolean
  disk: HostDisk | null
  /** Jobs that its agent ignored; left out: it does not say. */
  refusedJobs?: RefusedJobs | undefined
}

/** `appId` null: the platform's. */
export type WatchedCertificate = { certificate: Certificate; owner: WatchedApp | null }
export type WatchedOrder = { standing: CertificateStanding; owner: WatchedApp | null }

export type AlertFacts = {
  now: number
  apps: WatchedApp[]
  tenants: WatchedTenant[]
  hosts: WatchedHost[]
  certificates: WatchedCertificate[]
  orders: WatchedOrder[]
  /** For what is the platform's. */
  rules: AlertRules
}
