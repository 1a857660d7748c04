/** How an instance shows that it works (docs/health-checks.md). */
export type HealthCheck = {
  /** `http`: answers GET `path` with a status below 500; `tcp`: accepts a connection on $PORT; `none`: runs. */
  kind: 'http' | 'tcp' | 'none'
  /** For `http`. */
  path: string
  /** From its start until it must have shown it. */
  startTimeoutMs: number
}

export const START_TIMEOUT_MS = 60_000

export const defaultHealthCheck = (isWeb: boolean): HealthCheck => ({
  kind: isWeb ? 'http' : 'none',
  path: '/',
  startTimeoutMs: START_TIMEOUT_MS,
})
