/** What is kept of an app's log, for apps whose plan says nothing else, in KiB of lines. */
export const DEFAULT_LOG_KB = 1024

export const logSources = ['app', 'build', 'platform', 'router'] as const
export type LogSource = (typeof logSources)[number]

/** The most lines that one question is answered with. */
export const MAX_LOG_LINES = 10_000

export type LogFilter = {
  source?: LogSource | undefined
  /** A process type (`web`), or one instance (`web.1`). */
  ps?: string | undefined
  /** Letters that a line must hold, as they are: no pattern, so none can take long. */
  grep?: string | undefined
  /** By the time at which the line was printed, ms since 1970; `until` itself is not in. */
  since?: number | undefined
  until?: number | undefined
}

type Line = { at: string; source: LogSource; ps: string; line: string }

export function passes(line: Line, { source, ps, grep, since, until }: LogFilter): boolean {
  if (source !== undefined && line.source !== source) return false
  if (ps !== undefined && line.ps !== ps && !line.ps.startsWith(`${ps}.`)) return false
  if (grep !== undefined && !line.line.includes(grep)) return false
  if (since === undefined && until === undefined) return true
  const at = Date.parse(line.at)
  return at >= (since ?? -Infinity) && at < (until ?? Infinity)
}

/** What a line stands for whose text was dropped. */
export const describeDropped = (lines: number, why: string): string =>
  `${lines} ${lines === 1 ? 'line' : 'lines'} dropped: ${why}`
