/** An app's logs: the newest lines, and then, if asked for, what comes. */
import { logQuery, type LogLine, type LogQuery } from '#core/contract/logs.ts'
import { parse } from '#core/contract/schema.ts'
import type { AppId } from '#core/domain/ids.ts'
import { describeDropped, passes, type LogFilter } from '#core/domain/log.ts'
import { sleep } from '#core/runtime/clock.ts'
import { loadApp } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { isLater, lastLogId, missedBetween, readLogsAfter, readLogsBack } from '#core/store/logs.ts'
import { appOf } from './access.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'
import { streamLines, type LineStream } from './stream.ts'

const LOOK_EVERY_MS = 250
const LOOKS_PER_APP_CHECK = 20
/** How far a host's clock may be ahead of the store's: what was printed then may have been stored so much earlier. */
const CLOCKS_DIFFER_MS = 60_000

export const logRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/logs': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const query = parse(logQuery, req.query, 'query')
      const filter = filterOf(query)
      const past = query.after === undefined ? await newest(context.store, app.id, query.n, filter) : null
      const stream = streamLines(res, context.signal)
      for (const line of past?.lines ?? []) await stream.write(line)
      const after = query.after ?? past?.end ?? ''
      if (query.tail) await follow(app.id, after, filter, stream, context)
      else if (query.after !== undefined) await catchUp(app.id, after, filter, stream, context)
      stream.end()
    },
  },
})

const filterOf = ({ source, ps, grep, since, until }: LogQuery): LogFilter => ({
  source,
  ps,
  grep,
  since: since === undefined ? undefined : Date.parse(since),
  until: until === undefined ? undefined : Date.parse(until),
})

/** @returns the newest lines that pass, oldest first, and where to go on from */
async function newest(
  store: Store,
  app: AppId,
  most: number,
  filter: LogFilter,
): Promise<{ lines: LogLine[]; end: string }> {
  const end = await lastLogId(store, app)
  const found: LogLine[] = []
  if (most === 0) return { lines: found, end }
  for await (const page of readLogsBack(store, app, Math.max(0, (filter.since ?? 0) - CLOCKS_DIFFER_MS))) {
    // What came after the end was asked for is what follows.
    for (const line of page) if (!isLater(line.id, end) && passes(line, filter) && found.length < most) found.push(line)
    if (found.length >= most) break
  }
  return { lines: found.reverse(), end }
}

/** What is there after a line, to the end. @returns the last line's id */
async function catchUp(
  app: AppId,
  from: string,
  filter: LogFilter,
  stream: LineStream,
  { store }: Pick<ApiContext, 'store'>,
): Promise<string> {
  let after = from
  for (;;) {
    const lines = await readLogsAfter(store, app, after)
    for (const line of lines) {
      const missed = missedBetween(after, line.id)
      if (missed > 0) await stream.write(tellMissed(line, missed))
      if (passes(line, filter)) await stream.write(line)
      after = line.id
    }
    if (lines.length === 0 || stream.signal.aborted) return after
  }
}

async function follow(
  app: AppId,
  from: string,
  filter: LogFilter,
  stream: LineStream,
  context: Pick<ApiContext, 'store'>,
): Promise<void> {
  let after = from
  for (let looks = 1; !stream.signal.aborted; looks++) {
    after = await catchUp(app, after, filter, stream, context)
    if (looks % LOOKS_PER_APP_CHECK === 0 && !(await loadApp(context.store, app))) return
    await sleep(LOOK_EVERY_MS, stream.signal)
  }
}

/** The log was cut while this reader was behind. */
const tellMissed = ({ id, at }: LogLine, missed: number): LogLine => ({
  id,
  at,
  source: 'platform',
  ps: 'app',
  line: describeDropped(missed, 'the log was cut to its limit before they were read.'),
})
