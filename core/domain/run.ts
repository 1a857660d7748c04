/**
 * One-off runs: a command of a tenant's that runs once, in a sandbox of its own, and ends by itself. `berth run` makes
 * them, and a deploy's release phase. A run is at most once: accepted, it is either run, or reported not to have been.
 */
import type { SealedConfig } from './app.ts'
import type { AppId, DeployId, HostId, InstanceId, ProcessType, TenantId } from './ids.ts'
import type { Desired, ReasonCode, Reported } from './instance.ts'
import { RELEASE_PROCESS } from './release.ts'
import type { Resources } from './resources.ts'

/** What a command's standard streams are. `log`: the app's log. Otherwise somebody is attached, by pipes or at a terminal. */
export type RunStreams = 'log' | 'pipes' | 'terminal'

/** Of a terminal, in characters. */
export type Window = { rows: number; columns: number }

/** What an instance that runs once has beyond others; no secrets. */
export type Once = {
  /** From the start of its process. */
  timeoutMs: number
  streams: RunStreams
  /** The terminal's first size. */
  window: Window | null
  /** The deploy whose release command it is. */
  deploy: DeployId | null
}

/** What was asked for. Written once, by the controller that accepted it. */
export type RunRecord = Once & {
  /** Its instance has the same. */
  id: InstanceId
  appId: AppId
  tenantId: TenantId
  processType: ProcessType
  /** The n of `run.n`. */
  number: number
  release: number
  command: string
  /** Variables for this run alone, above the release's. */
  env: SealedConfig
  size: Resources
  actor: string
  createdAt: number
  /** The job of the app's clock that it is a run of, and its tick, ms since 1970; null: somebody wanted it now. */
  cron: { job: string; tick: number | null } | null
}

export type RunEnd = {
  at: number
  reason: ReasonCode
  /** null: it never ran, or nobody knows. */
  exitCode: number | null
  /** One sentence for people. */
  detail: string
}

export type Run = RunRecord & {
  /** Where it was placed. Written once: a run is never placed again. */
  host: HostId | null
  /** Somebody wants it ended. */
  stop: { at: number; by: string } | null
  end: RunEnd | null
}

export const RUN_PROCESS = 'run' as ProcessType

/** A release command changes a database, and should not for ever; the limit is Heroku's. */
export const RELEASE_TIMEOUT_MS = 3600_000
export const DEFAULT_RUN_TIMEOUT_MS = 3600_000
/** From SIGTERM to SIGKILL. */
export const RUN_GRACE_MS = 10_000
/** A run that finds no host for so long is given up. */
export const PLACE_WITHIN_MS = 60_000
/** Whoever asked for a run to be attached to must come within this. */
export const ATTACH_WITHIN_MS = 30_000

export const isRelease = ({ processType }: Pick<Run, 'processType'>): boolean => processType === RELEASE_PROCESS

export const onceOf = ({ timeoutMs, streams, window, deploy }: RunRecord): Once => ({
  timeoutMs,
  streams,
  window,
  deploy,
})

/** The end of a run, as its host told it. */
export const endOf = ({ since, reason, exitCode, detail }: Reported): RunEnd => ({
  at: since,
  reason: reason ?? 'lost',
  exitCode,
  detail: detail ?? 'It is not known how it ended.',
})

/** Instances that are kept running, and those that run once. */
export const runsOnce = ({ once }: Pick<Desired, 'once'>): boolean => once !== null
