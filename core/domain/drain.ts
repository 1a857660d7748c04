/** Drains: where lines of logs are sent on to, of one app or, for operators, of all. */
import type { AppId } from './ids.ts'

export type DrainId = string & { readonly __brand: 'DrainId' }

export type Drain = {
  id: DrainId
  /** null: of all apps. */
  appId: AppId | null
  /** What may be shown of its URL: no path, which often holds a secret. */
  shown: string
  /** Its URL and token, sealed. */
  sealed: string
  createdAt: number
  createdBy: string
}

export type DrainState = {
  /** Lines that arrived, and lines that were dropped because it was too slow, away, or refused them. */
  sent: number
  dropped: number
  /** Why the last try failed; null: it did not. */
  failure: string | null
  /** Of the last try, ms since 1970; null: there was none. */
  triedAt: number | null
}
export const newDrainState: DrainState = { sent: 0, dropped: 0, failure: null, triedAt: null }

export const MAX_DRAINS_OF_APP = 5
export const MAX_DRAINS_OF_PLATFORM = 5

export const drainSchemes = ['https:', 'http:', 'syslog:', 'syslog+tls:'] as const
export type DrainScheme = (typeof drainSchemes)[number]

/** What a drain is sent. */
export type DrainLine = { id: string; at: string; source: string; ps: string; line: string; app: string }

/** How long to wait after so many failures in a row, in ms. @param chance 0 to 1 */
export function backOff(failures: number, chance: number): number {
  const whole = Math.min(60_000, 1000 * 2 ** Math.min(failures - 1, 10))
  return whole / 2 + (whole / 2) * chance
}
