/** Alert rules in words: what each watches, and what its limit is a number of (core/domain/alert.ts has the bounds). */
import type { AlertKind, AlertRulesView } from '../../../core/contract/alerts.ts'
import { duration } from './format.ts'

export type Rule = NonNullable<AlertRulesView['rules'][AlertKind]>

type Watched = { about: string; unit: string | null; step?: number }

const watched: Record<AlertKind, Watched> = {
  errorRate: { about: 'More of the answers are errors (5xx)', unit: '%', step: 0.1 },
  slow: { about: 'One in twenty answers takes longer', unit: 'ms' },
  memory: { about: 'An instance uses more of its memory', unit: '%' },
  crashLoop: { about: 'An instance was restarted so often in a row', unit: 'restarts' },
  quota: { about: 'So much of the month’s budget is used', unit: '%' },
  hostLost: { about: 'A host gives no sign of life', unit: null },
  certificate: { about: 'A certificate expires within', unit: 'days' },
  cronMissed: { about: 'A job by the clock was not run', unit: null },
  disk: { about: 'A disk is fuller', unit: '%' },
  forgedJob: { about: 'A host was sent a job that the controller had not signed', unit: null },
}
export const whatOf = (kind: AlertKind): Watched => watched[kind]

/** Which kinds can be about an app; hosts are the platform's alone, and budgets are of tenants. */
export const kindsOf = (of: 'app' | 'tenant' | 'platform'): AlertKind[] =>
  (Object.keys(watched) as AlertKind[]).filter(
    (kind) =>
      ((kind !== 'hostLost' && kind !== 'forgedJob') || of === 'platform') && (kind !== 'quota' || of !== 'app'),
  )

/** `5 % for 2 min`. */
export function ruleText(kind: AlertKind, { limit, forSeconds }: Rule): string {
  const { unit } = watched[kind]
  const value = limit === null || unit === null ? '' : `${limit} ${unit}`
  const time = forSeconds === 0 ? '' : `for ${duration(forSeconds * 1000)}`
  return [value, time].filter(Boolean).join(' ') || 'at once'
}

/** Addresses as somebody types them: with commas, spaces or lines between them. */
export const addressesIn = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter(Boolean))]
