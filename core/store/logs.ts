/**
 * Apps' logs: one stream an app, not one an instance, so that lines survive restarts, crashes, releases and hosts. It is
 * bounded in bytes, and its lines are numbered, so that a reader sees what it missed.
 */
import { randomUUID } from 'node:crypto'
import type { LogLine } from '../contract/logs.ts'
import { DEFAULT_LOG_KB } from '../domain/log.ts'
import type { AppId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export type LogEntry = Omit<LogLine, 'id'>

/** Where lines come from, so that what is sent twice is stored once. */
export type LogOrigin = {
  /** An instance, or a process of Berth's. */
  writer: string
  /** What positions are counted in: a file of the instance's, or a life of the process. Positions of one only rise. */
  within: string
}
export type Positioned = { position: number; entry: LogEntry }

/** A writer that was silent for so long is forgotten: nobody sends what old any more. */
const REMEMBER_SECONDS = 86_400
/** Of one command to the store, which answers nobody else meanwhile. */
const LINES_A_CALL = 500
const PAGE = 500

/**
 * Adds lines, each once: whoever does not know whether they arrived sends them again.
 * @param dropped lines that never came here, of which one of these tells
 * @returns how many were new; nothing is stored for an app that is gone
 */
export async function appendLogLines(
  store: Store,
  app: AppId,
  { writer, within }: LogOrigin,
  lines: Positioned[],
  dropped = 0,
): Promise<number> {
  let added = 0
  for (let at = 0; at < lines.length; at += LINES_A_CALL) {
    const some = lines.slice(at, at + LINES_A_CALL)
    const answer = (await store.appendLogs(
      keys.logs(app),
      keys.logFigures(app),
      keys.logWriter(app, writer),
      keys.app(app),
      within,
      DEFAULT_LOG_KB * 1024,
      REMEMBER_SECONDS,
      at === 0 ? dropped : 0,
      ...some.flatMap(({ position, entry }) => [position, pack(entry)]),
    )) as number
    if (answer < 0) return 0
    added += answer
  }
  return added
}

/** This process, as one that says something now and then: what goes out again over a new connection is stored once. */
const self = `p-${randomUUID()}`
let said = 0

/** Adds what a process of Berth's says itself. */
export async function appendLogs(store: Store, app: AppId, entries: LogEntry[], dropped = 0): Promise<void> {
  if (entries.length === 0) return
  const lines = entries.map((entry) => ({ position: ++said, entry }))
  await appendLogLines(store, app, { writer: self, within: 'life' }, lines, dropped)
}

/** What a deploy and its build say, for the app's log. @param at ms since 1970 */
export const appendBuildLines = (store: Store, app: AppId, lines: string[], at: number): Promise<void> =>
  appendLogs(
    store,
    app,
    lines.map((line) => ({ at: new Date(at).toISOString(), source: 'build', ps: 'build', line })),
  )

/** The id of a line is its place in the stream and its number: `MS-SEQUENCE-NUMBER`. All three rise. */
const beginning = '0-0-0'
const numberIn = (id: string): number => Number(id.split('-')[2] ?? 0)
const placeIn = (id: string): string => id.split('-').slice(0, 2).join('-')

/** How many lines were dropped between two that were read one after the other. */
export const missedBetween = (before: string, next: string): number => numberIn(next) - numberIn(before) - 1

/** Whether a line came later than another one. */
export const isLater = (id: string, other: string): boolean => numberIn(id) > numberIn(other)

/** Backwards through the log, the newest first, a page at a time. @param from nothing that was stored earlier, ms */
export async function* readLogsBack(store: Store, app: AppId, from = 0): AsyncGenerator<LogLine[]> {
  for (let end = '+'; ;) {
    const rows = await store.xrevrange(keys.logs(app), end, from > 0 ? from : '-', 'COUNT', PAGE)
    if (rows.length === 0) return
    yield toLines(rows)
    end = `(${rows.at(-1)?.[0] ?? ''}`
  }
}

/** The newest line's: whoever reads after it misses nothing that comes. */
export async function lastLogId(store: Store, app: AppId): Promise<string> {
  const [newest] = toLines(await store.xrevrange(keys.logs(app), '+', '-', 'COUNT', 1))
  return newest?.id ?? beginning
}

/** @param after the id of the last line that was read */
export async function readLogsAfter(store: Store, app: AppId, after: string, most = PAGE): Promise<LogLine[]> {
  return toLines(await store.xrange(keys.logs(app), `(${placeIn(after)}`, '+', 'COUNT', most))
}

function toLines(rows: [string, string[]][]): LogLine[] {
  return rows.flatMap(([place, fields]) => {
    const entry = unpack<LogEntry>(valueOf(fields, 'line'))
    return entry === null ? [] : [{ id: `${place}-${valueOf(fields, 'n') ?? 0}`, ...entry }]
  })
}

/** A row's fields are names and values, one after the other. */
const valueOf = (fields: string[], name: string): string | undefined =>
  fields.find((_, at) => at % 2 === 1 && fields[at - 1] === name)

/** Of one app's log: what was ever stored, what is kept and may be kept, in bytes, and how many lines never came. */
export type LogFigures = { lines: number; bytes: number; limit: number; dropped: number }

export async function loadLogFigures(store: Store, app: AppId): Promise<LogFigures> {
  const [lines, bytes, limit, dropped] = await store.hmget(keys.logFigures(app), 'lines', 'bytes', 'limit', 'dropped')
  return {
    lines: Number(lines ?? 0),
    bytes: Number(bytes ?? 0),
    limit: Number(limit ?? DEFAULT_LOG_KB * 1024),
    dropped: Number(dropped ?? 0),
  }
}

/** What of an app's log is kept from the next line on. */
export async function limitLog(store: Store, app: AppId, bytes: number): Promise<void> {
  await store.hset(keys.logFigures(app), 'limit', bytes)
}
