/** logs: the last lines of an app, its builds, the platform and the router; with --tail also those to come. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogLine } from '#core/contract/logs.ts'
import { logSources, MAX_LOG_LINES } from '#core/domain/log.ts'
import type { Client, Query } from '../client.ts'
import type { Options, Run } from '../context.ts'
import { CliError, exitCodes, usage } from '../failures.ts'
import { renderLogLine } from '../log-line.ts'
import { parseCount } from '../text.ts'

const PAUSE_MS = 1000
const MAX_TRIES = 60

export const logs: Run = async (context, _args, options) => {
  const { out, now } = context
  const query = queryFrom(options, now())
  const app = await context.app(options)
  const client = await context.client()
  const colours = out.colours && options.colour !== false && options.color !== false
  const show = (line: LogLine) => (options.json ? out.jsonLine(line) : out.safeLine(renderLogLine(line, colours)))
  if (options.tail) return follow(client, app, query, { show, note: out.note, now })
  for await (const line of client.stream('/apps/:app/logs', { app, query })) show(line)
}

type Following = { show: (line: LogLine) => void; note: (text: string) => void; now: () => number }

/**
 * Goes on until the app is gone. A connection that breaks off, as it does when the controller restarts, is taken up again
 * behind the last line that was shown: none is lost, and none shown twice.
 */
async function follow(client: Client, app: string, query: Query, { show, note, now }: Following): Promise<void> {
  const began = new Date(now()).toISOString()
  let last: string | null = null
  for (let tries = 0; ;) {
    try {
      const goOn: Query = tries === 0 && last === null ? query : behind(query, last, began)
      for await (const line of client.stream('/apps/:app/logs', { app, query: goOn })) {
        show(line)
        last = line.id
        tries = 0
      }
    } catch (error) {
      const isBroken = error instanceof CliError && error.exitCode === exitCodes.unreachable
      // A first call that fails is not a stream that broke off: say so at once.
      if (!isBroken || (last === null && tries === 0) || tries >= MAX_TRIES) throw error
      if (tries === 0) note('The connection broke off. Trying to go on from there…')
    }
    tries += 1
    await sleep(PAUSE_MS)
  }
}

/** Where no line was shown yet, what was printed since this began. */
const behind = (query: Query, last: string | null, began: string): Query =>
  last === null ? { ...query, n: String(MAX_LOG_LINES), since: began } : { ...query, n: '0', after: last }

function queryFrom(options: Options, now: number): Query {
  const { num, source, since, until, grep } = options
  if (source !== undefined && !(logSources as readonly string[]).includes(source))
    throw usage(`--source must be one of ${logSources.join(', ')}, got "${source}".`)
  if (options.ps !== undefined && options.processType !== undefined)
    throw usage('--ps and --process-type mean the same: give one of them.')
  return {
    n: num === undefined ? undefined : String(parseCount('--num', num)),
    tail: options.tail ? '1' : undefined,
    source,
    ps: options.ps ?? options.processType,
    since: since === undefined ? undefined : parseInstant('--since', since, now),
    until: until === undefined ? undefined : parseInstant('--until', until, now),
    grep,
  }
}

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SPAN = /^(\d{1,6})([smhd])$/

/**
 * @param text a span before now, like 10m, or an instant in ISO 8601; without an offset it is this machine's time
 * @returns ISO 8601, in UTC
 */
export function parseInstant(option: string, text: string, now: number): string {
  const [, count, unit] = SPAN.exec(text) ?? []
  const at = count === undefined ? Date.parse(text) : now - Number(count) * units[unit as keyof typeof units]
  if (Number.isNaN(at) || (count === undefined && !/^\d{4}-\d\d-\d\d/.test(text)))
    throw usage(`${option} must be a time like 10m, 2h, 1d or 2026-01-31T09:30:00Z, got "${text}".`)
  return new Date(at).toISOString()
}
