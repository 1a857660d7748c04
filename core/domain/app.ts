import { appNameMalformed, appNameReserved } from './errors.ts'
import type { HealthChecks } from './health-check.ts'
import type { AppId, AppName, ProcessType, TenantId } from './ids.ts'
import type { AppQuota } from './quota.ts'
import type { Domain } from './domain.ts'
import type { Resources } from './resources.ts'
import type { Rollout, Target } from './release.ts'
import type { RouteSettings } from './route.ts'

/** What never changes about an app. */
export type AppRecord = {
  id: AppId
  name: AppName
  tenantId: TenantId
  /** First id of the range of host user ids that belongs to this app alone, on every host. */
  uidBase: number
  createdAt: number
}

export type ProcessFormation = { count: number; size: Resources }
export type Formation = Partial<Record<ProcessType, ProcessFormation>>

/** Of a process type, which may have the name of something that every object inherits. */
export const processOf = (formation: Formation, type: ProcessType): ProcessFormation | undefined =>
  Object.hasOwn(formation, type) ? formation[type] : undefined

/** Values are `base64(iv | tag | ciphertext)`; only the controller can open them. */
export type SealedConfig = Record<string, string>

/**
 * An app as the controller sees it. Each field has one writer: the API writes formation, config, paused, quota,
 * domains and routing, the deploy story writes target, the reconciler writes current and rollout.
 */
export type App = AppRecord & {
  formation: Formation
  config: SealedConfig
  /** What should run. */
  target: Target | null
  /** The last target whose rollout was completed: what serves when a newer target fails. */
  current: Target | null
  rollout: Rollout | null
  /** Frozen by its owner: nothing of it is started, replaced or changed until it is resumed. */
  paused: Pause | null
  /** What it may take of its tenant's traffic; null: all of it. */
  quota: AppQuota | null
  /** Names that its tenant brought, pending ones too. */
  domains: Domain[]
  /** How routers carry its requests. No release: it takes effect at once. */
  routing: RouteSettings
  /** How its pushes become slugs. */
  build: BuildSettings
  /** What was set of its process types' health checks; it wins over what a slug says. */
  checks: HealthChecks
  /** Whether a release that crashes in its first minutes gives way to the one before it. */
  autoRollback: boolean
}

export type BuildSettings = {
  /** Names of Berth's buildpacks or URLs of git repositories, in their order; none: found by what the source holds. */
  buildpacks: string[]
  /** The folder of the repository that holds the app; null: its root. */
  root: string | null
  /** The branch whose pushes deploy; null: main or master. */
  branch: string | null
  /** Rises when its builds' caches are purged: hosts make those of an earlier generation anew. */
  cacheGeneration: number
}

export const defaultBuildSettings: BuildSettings = { buildpacks: [], root: null, branch: null, cacheGeneration: 0 }

export type Pause = { at: number; by: string }

/** How many user ids an app's range holds; inside the sandbox they are 0 … size - 1, and the app runs as APP_UID. */
export const UID_RANGE = 2048
export const APP_UID = 1000
/** Of the first app's range: the ids below are left to hosts, and the one just below to git. */
export const FIRST_UID = 0x10000000
const LAST_UID = 0xfffffffe

/** Whether a range of user ids is some app's, and so none of the host's own users' is in it. */
export const isAppRange = (base: number): boolean =>
  Number.isInteger(base) && base >= FIRST_UID && (base - FIRST_UID) % UID_RANGE === 0 && base + UID_RANGE <= LAST_UID

const reserved = new Set([
  'api',
  'www',
  'git',
  'console',
  'berth',
  'admin',
  'status',
  'controller',
  'router',
  'agent',
  'internal',
  'localhost',
  'mail',
  'ns',
  'app',
  'apps',
])

/**
 * Checks a new app's name. It becomes a DNS label (RFC 1123 §2.1) and part of paths, so the grammar is narrow:
 * 2–30 of `[a-z0-9-]`, a letter first, no dash last, no two dashes in a row (which also keeps punycode `xn--` out).
 * @throws NAME_MALFORMED or NAME_RESERVED
 */
export function parseAppName(text: string): AppName {
  if (text.length < 2 || text.length > 30 || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text)) throw appNameMalformed(text)
  if (reserved.has(text)) throw appNameReserved(text)
  return text as AppName
}

/** Names of config vars as POSIX has them for the environment (IEEE Std 1003.1, §8.1), at most 128 long. */
export const isConfigName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(text)
/** Set by the platform for every instance; a tenant cannot override them. */
export const platformVariables = new Set([
  'PORT',
  'BERTH_APP',
  'BERTH_PROCESS',
  'BERTH_RELEASE',
  'BERTH_INSTANCE',
  'BERTH_MEMORY_MB',
  'BERTH_CPUS',
])
