import type { ProcessType } from './ids.ts'

/** How an instance shows that it works (docs/health-checks.md). */
export type HealthCheck = {
  /** `http`: answers GET `path` with a status below 500; `tcp`: accepts a connection on $PORT; `none`: runs. */
  kind: 'http' | 'tcp' | 'none'
  /** For `http`. */
  path: string
  /** From its start until it must have shown it. */
  startTimeoutMs: number
}

/** By process type, what somebody said of its check; what is left out is as usual. */
export type HealthChecks = Partial<Record<ProcessType, Partial<HealthCheck>>>

export const START_TIMEOUT_MS = 60_000

export const defaultHealthCheck = (isWeb: boolean): HealthCheck => ({
  kind: isWeb ? 'http' : 'none',
  path: '/',
  startTimeoutMs: START_TIMEOUT_MS,
})

/** The check of a process type: what was set for the app wins, field by field, over what its code says. */
export function healthCheckOf(
  type: ProcessType,
  isWeb: boolean,
  ofSlug: HealthChecks,
  ofApp: HealthChecks,
): HealthCheck {
  return { ...defaultHealthCheck(isWeb), ...checkIn(ofSlug, type), ...checkIn(ofApp, type) }
}

/** Of a process type, which may have the name of something that every object inherits. */
export const checkIn = (checks: HealthChecks, type: ProcessType): Partial<HealthCheck> | undefined =>
  Object.hasOwn(checks, type) ? checks[type] : undefined
