/** drains, drains:add, drains:remove: where the log of an app, or with --platform those of all, is sent on to. */
import type { DrainView } from '#core/contract/drains.ts'
import type { Context, Options, Run } from '../context.ts'
import { failed, usage } from '../failures.ts'
import { formatSince } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const { client, out, now } = context
  const { at, names } = await placeOf(context, options)
  const answer = await (await client()).get(at, names)
  if (options.json) return out.json(answer)
  if (answer.drains.length === 0) return out.line('There are no drains. Add one with: berth drains:add URL')
  const failing = ({ failure }: DrainView) => (failure === null ? [] : [`  ${failure}`])
  out.table(
    ['ID', 'TO', 'SENT', 'DROPPED', 'LAST TRY', 'STATE'],
    answer.drains.map(({ id, url, sent, dropped, triedAt, failure }) => [
      id,
      url,
      String(sent),
      dropped === 0 ? '0' : { text: String(dropped), colour: 'yellow' },
      triedAt === null ? 'never' : formatSince(triedAt, now()),
      failure === null ? { text: 'ok', colour: 'green' } : { text: 'failing', colour: 'red' },
    ]),
    answer.drains.map(failing),
  )
}

export const add: Run = async (context, [url = ''], options) => {
  const { client, out } = context
  const { at, names } = await placeOf(context, options)
  const body = { url, ...(options.token === undefined ? {} : { token: options.token }) }
  const added = await (await client()).post(at, { ...names, body })
  if (options.json) return out.json(added)
  out.line(`Lines go to ${added.url} from now on (${added.id}). See how it does with: berth drains`)
  if (added.url.startsWith('syslog:')) out.note('They go unencrypted. Use syslog+tls:// where the collector can.')
}

export const remove: Run = async (context, [wanted = ''], options) => {
  const { client, out } = context
  const { at, names } = await placeOf(context, options)
  const api = await client()
  const found = (await api.get(at, names)).drains.filter(({ id, url }) => id === wanted || url === wanted)
  const [drain] = found
  if (!drain) throw failed(`There is no drain "${wanted}". See them with: berth drains`)
  if (found.length > 1) throw usage(`Several drains lead to ${wanted}. Name one by its id: berth drains`)
  const answer = await api.delete(`${at}/:drain`, { ...names, drain: drain.id })
  if (options.json) out.json(answer)
  else out.line(`Removed the drain to ${drain.url}.`)
}

type Place = { at: '/apps/:app/drains' | '/drains'; names: { app: string } | Record<never, never> }

async function placeOf(context: Context, options: Options): Promise<Place> {
  if (options.platform) return { at: '/drains', names: {} }
  return { at: '/apps/:app/drains', names: { app: await context.app(options) } }
}
