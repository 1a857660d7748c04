/** An app's logs: the newest lines, and then, if asked for, what comes. */
import type { z } from 'zod'
import { logQuery, type LogLine } from '#core/contract/api.ts'
import { parse } from '#core/contract/schema.ts'
import type { AppId } from '#core/domain/ids.ts'
import { sleep } from '#core/runtime/clock.ts'
import { loadApp } from '#core/store/apps.ts'
import { readLogs, readLogsAfter } from '#core/store/logs.ts'
import { appOf } from './access.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'
import { streamLines, type LineStream } from './stream.ts'

const KEPT_LINES = 1500
const LOOK_EVERY_MS = 250
const LOOKS_PER_APP_CHECK = 20

type Query = z.infer<typeof logQuery>

export const logRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/logs': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const query = parse(logQuery, req.query, 'query')
      const filtered = query.source !== undefined || query.ps !== undefined
      const { lines, next } = await readLogs(context.store, app.id, filtered && query.n > 0 ? KEPT_LINES : query.n)
      const stream = streamLines(res, context.signal)
      const wanted = lines.filter((line) => matches(line, query))
      for (const line of wanted.slice(-query.n)) await stream.write(line)
      if (query.tail === '1' || query.tail === 'true') await tail(app.id, next, query, stream, context)
      stream.end()
    },
  },
})

async function tail(app: AppId, from: string, query: Query, stream: LineStream, { store }: ApiContext): Promise<void> {
  let after = from
  for (let looks = 1; !stream.signal.aborted; looks++) {
    const { lines, next } = await readLogsAfter(store, app, after)
    for (const line of lines) if (matches(line, query)) await stream.write(line)
    after = next
    if (looks % LOOKS_PER_APP_CHECK === 0 && !(await loadApp(store, app))) return
    await sleep(LOOK_EVERY_MS, stream.signal)
  }
}

/** @param query `ps` is a process type (`web`) or one instance (`web.1`) */
export function matches(line: LogLine, { source, ps }: Pick<Query, 'source' | 'ps'>): boolean {
  if (source !== undefined && line.source !== source) return false
  return ps === undefined || line.ps === ps || line.ps.startsWith(`${ps}.`)
}
