/** quota, quota:set, quota:clear: what an app may take of its tenant's traffic. */
import type { PatchQuota, QuotaView } from '#core/contract/api.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { rateFrom, trafficFacts, trafficFrom } from '../plan-options.ts'

export const show: Run = async (context, _args, options) => {
  const app = await context.app(options)
  print(context, await (await context.client()).get('/apps/:app/quota', { app }), options)
}

export const set: Run = async (context, _args, options) => {
  const change = changeFrom(options)
  if (Object.keys(change).length === 0) throw usage('Say what to limit, as in `berth quota:set --rps 50 -a hello`.')
  const app = await context.app(options)
  print(context, await (await context.client()).patch('/apps/:app/quota', { app, body: change }), options)
}

export const clear: Run = async (context, _args, options) => {
  const app = await context.app(options)
  const answer = await (await context.client()).delete('/apps/:app/quota', { app })
  if (options.json) context.out.json(answer)
  else context.out.line(`${app} may take all of its tenant's traffic again.`)
}

function changeFrom(options: Options): PatchQuota {
  const requests = options.rps === 'none' ? null : rateFrom(options)
  return { ...(requests === undefined ? {} : { requests }), ...trafficFrom(options) }
}

function print({ out }: Context, view: QuotaView, options: Options): void {
  if (options.json) return out.json(view)
  const { quota, ofTenant } = view
  const { requests } = quota
  out.facts([
    ['App', view.app],
    ['Requests', requests === null ? 'no limit' : `${requests.perSecond} per second, ${requests.burst} at once`],
    ...trafficFacts(quota),
  ])
  out.note(`${view.tenant} has ${ofTenant.requests.perSecond} requests per second for all of its apps.`)
}
