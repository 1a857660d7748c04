/** routing, routing:set, routing:reset, maintenance: how an app's requests are carried. */
import type { PatchRouting, RoutingView } from '#core/contract/api.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { routingFrom } from '../routing-options.ts'
import { formatBytes, formatDuration, type Cell } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const app = await context.app(options)
  show(context, await (await context.client()).get('/apps/:app/routing', { app }), options)
}

export const set: Run = async (context, _args, options) => {
  const patch = routingFrom(options)
  if (Object.keys(patch).length === 0)
    throw usage('Say what to change, as in `berth routing:set --body-limit 10M`. See: berth help routing:set')
  show(context, await change(context, patch, options), options)
}

export const reset: Run = async (context, _args, options) => {
  const app = await context.app(options)
  show(context, await (await context.client()).delete('/apps/:app/routing', { app }), options)
}

export const maintenance: Run = async (context, _args, options) => {
  const app = await context.app(options)
  const view = await (await context.client()).get('/apps/:app/routing', { app })
  if (options.json) context.out.json(view)
  else context.out.line(view.maintenance ? 'on' : 'off')
}

export const maintenanceOn: Run = async (context, _args, options) => {
  const view = await change(context, { maintenance: true }, options)
  if (options.json) return context.out.json(view)
  context.out.line('Every request is answered with 503 by the routers. Take it back: berth maintenance:off')
}

export const maintenanceOff: Run = async (context, _args, options) => {
  const view = await change(context, { maintenance: false }, options)
  if (options.json) context.out.json(view)
  else context.out.line('Requests reach the app again.')
}

async function change(context: Context, patch: PatchRouting, options: Options): Promise<RoutingView> {
  const app = await context.app(options)
  return (await context.client()).patch('/apps/:app/routing', { app, body: patch })
}

function show({ out }: Context, view: RoutingView, options: Options): void {
  if (options.json) return out.json(view)
  const { bodyLimitBytes, concurrency } = view
  out.facts([
    ['Protocol', view.protocol],
    ['Body limit', bodyLimitBytes === null ? 'none' : formatBytes(bodyLimitBytes)],
    ['First byte within', formatDuration(view.firstByteMs)],
    ['Silent for at most', formatDuration(view.idleMs)],
    [
      'Concurrency',
      concurrency === null
        ? 'no limit'
        : `others are preferred above ${concurrency.soft} on an instance, requests wait above ${concurrency.hard}`,
    ],
    ['Sticky', onOff(view.sticky)],
    ['Force HTTPS', onOff(view.forceHttps)],
    ['Maintenance', view.maintenance ? ({ text: 'on', colour: 'yellow' } satisfies Cell) : 'off'],
  ])
}

const onOff = (on: boolean): string => (on ? 'on' : 'off')
