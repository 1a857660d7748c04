/** Alerts: what is watched, from which value on somebody is told, and what may be set about it. */
import type { AppId, AppName, HostId, TenantId } from './ids.ts'

export const alertKinds = [
  'errorRate',
  'slow',
  'memory',
  'crashLoop',
  'quota',
  'hostLost',
  'forgedJob',
  'certificate',
  'cronMissed',
  'disk',
] as const
export type AlertKind = (typeof alertKinds)[number]

/** What an alert is about; nulls where it is none. */
export type Subject = { appId: AppId | null; appName: AppName | null; tenantId: TenantId | null; hostId: HostId | null }

export type Alert = Subject & {
  id: string
  kind: AlertKind
  /** ms since 1970; `until` null: it goes on. */
  since: number
  until: number | null
  /** Rises as it becomes worse, e.g. 75, 90, 100 % of a quota. */
  mark: number
  /** A sentence that names the value and the limit, as they were when it began or became worse. */
  text: string
}

export type AlertNews = 'began' | 'worsened' | 'ended'

/** `limit`: where the kind has a value to compare. It begins when that is passed for `forMs` without a break. */
export type AlertRule = { on: boolean; limit: number | null; forMs: number }
export type AlertRules = Record<AlertKind, AlertRule>

/** What a kind's limit is a number of, and which are possible; null: it has none. */
export const limitUnits: Record<AlertKind, { unit: string; least: number; most: number } | null> = {
  errorRate: { unit: '% of all answers', least: 0.1, most: 100 },
  slow: { unit: 'ms (95th percentile)', least: 10, most: 600_000 },
  memory: { unit: '% of an instance’s memory', least: 10, most: 100 },
  crashLoop: { unit: 'restarts in a row', least: 1, most: 200 },
  quota: { unit: '% of the month’s budget (75, 90 or 100)', least: 75, most: 100 },
  hostLost: null,
  forgedJob: null,
  certificate: { unit: 'days before it expires', least: 1, most: 60 },
  cronMissed: null,
  disk: { unit: '% of a disk', least: 10, most: 100 },
}

export const defaultRules: AlertRules = {
  errorRate: { on: true, limit: 5, forMs: 120_000 },
  slow: { on: true, limit: 5_000, forMs: 300_000 },
  memory: { on: true, limit: 90, forMs: 120_000 },
  crashLoop: { on: true, limit: 3, forMs: 0 },
  quota: { on: true, limit: 75, forMs: 0 },
  hostLost: { on: true, limit: null, forMs: 30_000 },
  forgedJob: { on: true, limit: null, forMs: 0 },
  certificate: { on: true, limit: 14, forMs: 0 },
  cronMissed: { on: true, limit: null, forMs: 0 },
  disk: { on: true, limit: 90, forMs: 60_000 },
}

/** Nobody is told of a kind until then; kind null: of any. The alert itself is kept and shown. */
export type Mute = { kind: AlertKind | null; until: number; by: string }

/** What an app, a tenant or the platform has set; the narrower wins. */
export type AlertSettings = {
  rules: Partial<Record<AlertKind, Partial<AlertRule>>>
  mutes: Mute[]
  /** Who is written to; null: as the wider has it. */
  mail: string[] | null
}
export const noSettings: AlertSettings = { rules: {}, mutes: [], mail: null }

/** @param settings from the widest to the narrowest */
export function rulesFrom(settings: readonly AlertSettings[]): AlertRules {
  const entries = alertKinds.map((kind) => {
    const set = settings.map(({ rules }) => rules[kind] ?? {})
    return [kind, Object.assign({ ...defaultRules[kind] }, ...set) as AlertRule] as const
  })
  return Object.fromEntries(entries) as AlertRules
}

/** @param settings of all owners that the alert is among */
export const isMuted = (kind: AlertKind, settings: readonly AlertSettings[], now: number): boolean =>
  settings.some(({ mutes }) => mutes.some((mute) => mute.until > now && (mute.kind === null || mute.kind === kind)))

/** @param settings from the widest to the narrowest @returns null: nobody has said */
export const recipientsFrom = (settings: readonly AlertSettings[]): string[] | null =>
  settings.findLast(({ mail }) => mail !== null)?.mail ?? null

/** How far one thing that is watched is. Only the controller that leads writes it. */
export type Standing = {
  /** Since when its value has passed the limit, without a break; null: it does not. */
  overSince: number | null
  /** While it is told of: since when the value is well below the limit; null: it is not. */
  underSince: number | null
  /** When its value was known last. */
  seen: number
  /** The alert, while there is one. */
  alert: Alert | null
}

/** Kept of those that ended, of each tenant and of all. */
export const KEEP_ENDED = 200
