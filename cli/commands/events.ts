/** events: what happened to an app, the newest last, as in a log; below a failure what its process printed last. */
import { eventKinds, isFailure } from '#core/domain/event.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { follow } from '../follow.ts'
import { formatSince, parseCount } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const { client, out, now } = context
  const { num, kind } = options
  if (kind !== undefined && !eventKinds.some((known) => known === kind))
    throw usage(`--kind must be one of ${eventKinds.join(', ')}, got "${kind}".`)
  const app = await context.app(options)
  if (options.tail) return tail(context, app, options)
  const query = { n: num === undefined ? undefined : String(parseCount('--num', num)), kind }
  const answer = await (await client()).get('/apps/:app/events', { app, query })
  if (options.json) return out.json(answer)
  if (answer.events.length === 0)
    return out.line(`Nothing ${kind ? `of the kind ${kind} ` : ''}happened to ${app} yet.`)
  const events = answer.events.toReversed()
  out.table(
    ['WHEN', 'WHAT', 'PROCESS', 'RELEASE', 'BY', ''],
    events.map((event) => [
      formatSince(event.at, now()),
      isFailure(event.kind) ? { text: event.kind, colour: 'red' } : event.kind,
      event.process ?? '-',
      event.release === null ? '-' : `v${event.release}`,
      event.actor ?? '-',
      event.text,
    ]),
    events.map(({ lastOutput }) => lastOutput.map((line) => `    ${line}`)),
  )
}

const SHOWN_AT_FIRST = 10

/** Goes on with events as they come; after a connection that broke off, with those that are new. */
async function tail({ client, out }: Context, app: string, { num, kind, json }: Options): Promise<void> {
  const atFirst = num === undefined ? SHOWN_AT_FIRST : parseCount('--num', num)
  let newest: string | null = null
  for await (const told of follow(await client(), ['events'], app, new AbortController().signal)) {
    if (told.topic !== 'events') continue
    const wanted = told.change.put.filter((event) => kind === undefined || event.kind === kind)
    const fresh = told.change.reset && newest !== null ? wanted.filter(({ at }) => at > (newest ?? '')) : wanted
    for (const event of newest === null ? fresh.slice(-atFirst) : fresh) {
      if (json) out.jsonLine(event)
      else out.line(`${event.at} ${event.kind}${event.process === null ? '' : ` ${event.process}`}: ${event.text}`)
      if (!json) for (const line of event.lastOutput) out.line(`    ${line}`)
    }
    newest = told.change.put.at(-1)?.at ?? newest ?? ''
  }
}
