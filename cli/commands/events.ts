/** events: what happened to an app, the newest last, as in a log; below a failure what its process printed last. */
import type { EventView } from '#core/contract/api.ts'
import { eventKinds, isFailure } from '#core/domain/event.ts'
import type { Run } from '../context.ts'
import { usage } from '../failures.ts'
import { formatSince, parseCount } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const { client, out, now } = context
  const { num, kind } = options
  if (kind !== undefined && !eventKinds.some((known) => known === kind))
    throw usage(`--kind must be one of ${eventKinds.join(', ')}, got "${kind}".`)
  const app = await context.app(options)
  const query = { n: num === undefined ? undefined : String(parseCount('--num', num)), kind }
  const answer = await (await client()).get<{ events: EventView[] }>(['apps', app, 'events'], query)
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
