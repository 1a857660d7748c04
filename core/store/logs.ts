import type { LogLine } from '../contract/api.ts'
import type { AppId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** Per app, not per instance: logs survive restarts, crashes and releases. */
const KEEP_LINES = 1500

export async function appendLogs(store: Store, app: AppId, lines: LogLine[]): Promise<void> {
  if (lines.length === 0) return
  const pipeline = store.pipeline()
  for (const line of lines) pipeline.xadd(keys.logs(app), 'MAXLEN', '~', KEEP_LINES, '*', 'line', pack(line))
  await pipeline.exec()
}

/** The newest lines, oldest first. */
export async function readLogs(store: Store, app: AppId, limit: number): Promise<{ lines: LogLine[]; next: string }> {
  if (limit === 0) {
    const last = await store.xrevrange(keys.logs(app), '+', '-', 'COUNT', 1)
    return { lines: [], next: last[0]?.[0] ?? '0' }
  }
  const rows = await store.xrevrange(keys.logs(app), '+', '-', 'COUNT', limit)
  return { lines: toLines(rows.reverse()), next: rows.at(-1)?.[0] ?? '0' }
}

export async function readLogsAfter(
  store: Store,
  app: AppId,
  after: string,
): Promise<{ lines: LogLine[]; next: string }> {
  const rows = await store.xrange(keys.logs(app), after === '0' ? '-' : `(${after}`, '+', 'COUNT', 500)
  return { lines: toLines(rows), next: rows.at(-1)?.[0] ?? after }
}

const toLines = (rows: [string, string[]][]): LogLine[] =>
  rows.map(([, fields]) => unpack<LogLine>(fields[1])).filter((line) => line !== null)
