/** tenants and their quotas, cores, networks and suspension: for operators; tenants:info for members too. */
import type { TenantDetail, TenantView } from '#core/contract/api.ts'
import { describeBudget } from '#core/domain/budget.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { hours, trafficFacts, trafficFrom } from '../plan-options.ts'
import { formatBytes, formatCores, formatMegabytes, formatSince, parseCount, type Cell } from '../text.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const answer = await (await client()).list('/tenants')
  if (options.json) return out.json(answer)
  out.table(
    ['TENANT', 'PLAN', 'STATE', 'REQUESTS PER SECOND', 'BURST', 'CREATED'],
    answer.tenants.map((tenant) => [
      tenant.id,
      tenant.plan,
      stateCell(tenant),
      String(tenant.requestRate.perSecond),
      String(tenant.requestRate.burst),
      formatSince(tenant.createdAt, now()),
    ]),
  )
}

export const create: Run = async ({ client, out }, [id = ''], options) => {
  const tenant = await (await client()).post('/tenants', { body: { id } })
  if (options.json) out.json(tenant)
  else out.line(`Created the tenant ${tenant.id}. Give it a token: berth tokens:create NAME --tenant ${tenant.id}`)
}

/** Without a name: one's own tenant. */
export const info: Run = async (context, [named], options) => {
  const client = await context.client()
  const id = named ?? (await client.get('/whoami')).tenant
  if (id === null) throw usage('Name a tenant: berth tenants:info TENANT')
  show(context, await client.get('/tenants/:tenant', { tenant: id }), options)
}

export const setPlan: Run = async (context, [id = '', plan = ''], options) => {
  const tenant = await (await context.client()).patch('/tenants/:tenant', { tenant: id, body: { plan } })
  show(context, tenant, options)
  const over = overOf(tenant)
  if (over.length > 0 && !options.json)
    context.out.note(`${id} has more than ${plan} allows (${over.join(', ')}): it keeps that, and gets no more.`)
}

/** Both numbers of the rate, so that it is never half of an old one. */
export const rate: Run = async (context, [id = ''], options) => {
  const { perSecond, burst } = options
  const traffic = trafficFrom(options)
  const isRate = perSecond !== undefined || burst !== undefined
  if (isRate && (perSecond === undefined || burst === undefined)) throw usage('Give both --per-second and --burst.')
  if (!isRate && Object.keys(traffic).length === 0)
    throw usage('Say what to limit, as in `berth tenants:rate acme --per-second 50 --burst 100`.')
  const body = {
    ...(perSecond === undefined || burst === undefined
      ? {}
      : { requestRate: { perSecond: parseCount('--per-second', perSecond), burst: parseCount('--burst', burst) } }),
    ...(Object.keys(traffic).length === 0 ? {} : { traffic }),
  }
  const tenant = await (await context.client()).patch('/tenants/:tenant', { tenant: id, body })
  if (options.json) return context.out.json(tenant)
  const { requestRate } = tenant
  context.out.line(`${id} may take ${requestRate.perSecond} requests per second, in bursts of ${requestRate.burst}.`)
  if (body.traffic) context.out.facts(trafficFacts(tenant.traffic))
}

export const set: Run = async (context, [id = ''], options) => {
  if (options.cpus === undefined) throw usage('Say which cores: --cpus 2-3, or --cpus none.')
  const cpus = options.cpus === 'none' ? null : options.cpus
  const tenant = await (await context.client()).patch('/tenants/:tenant', { tenant: id, body: { cpus } })
  show(context, tenant, options)
}

/** A list that is not named stays as it is. */
export const egress: Run = async (context, [id = ''], options) => {
  const { allow, deny } = options
  if (allow === undefined && deny === undefined)
    throw usage('Give --allow, --deny or both, as in `berth tenants:egress acme --allow 10.1.0.0/16`.')
  const lists = {
    ...(allow === undefined ? {} : { allow: listOf(allow) }),
    ...(deny === undefined ? {} : { deny: listOf(deny) }),
  }
  const tenant = await (await context.client()).patch('/tenants/:tenant', { tenant: id, body: { egress: lists } })
  show(context, tenant, options)
}

const listOf = (text: string): string[] => (text === 'none' ? [] : text.split(',').map((part) => part.trim()))

export const suspend: Run = async (context, [id = ''], options) => {
  if (options.reason === undefined) throw usage('Say why: --reason "the invoice of May is open". The tenant reads it.')
  const tenant = await (
    await context.client()
  ).post('/tenants/:tenant/suspend', { tenant: id, body: { reason: options.reason } })
  if (options.json) context.out.json(tenant)
  else
    context.out.line(
      `${id} is suspended: its instances stop, and nothing is lost. Take it back: berth tenants:resume ${id}`,
    )
}

export const resume: Run = async (context, [id = ''], options) => {
  const tenant = await (await context.client()).post('/tenants/:tenant/resume', { tenant: id })
  if (options.json) return context.out.json(tenant)
  if (tenant.suspended === null) context.out.line(`${id} is resumed: its instances start again.`)
  else
    context.out.line(
      `${id} stays stopped by its ${tenant.suspended.reason}. Give it a larger plan: berth tenants:set-plan ${id} PLAN`,
    )
}

function show({ out, now }: Context, tenant: TenantDetail, options: Options): void {
  if (options.json) return out.json(tenant)
  const { limits, promised, budget } = tenant
  out.facts([
    ['Tenant', tenant.id],
    ['State', stateCell(tenant)],
    ['Created', formatSince(tenant.createdAt, now())],
    ['Plan', tenant.plan],
    ['Apps', `${promised.apps} of ${limits.apps}`],
    ['Instances', `${promised.instances} of ${limits.instances}`],
    ['Memory', `${formatMegabytes(promised.memoryMb)} of ${formatMegabytes(limits.memoryMb)}`],
    ['Disk', `${formatMegabytes(promised.diskMb)} of ${formatMegabytes(limits.diskMb)}`],
    ['CPU', `at most ${formatCores(limits.cpuMilli)} on a host, weight ${limits.weight}`],
    ['Requests', `${tenant.requestRate.perSecond} per second, ${tenant.requestRate.burst} at once`],
    ...trafficFacts(tenant.traffic),
    [`Requests in ${budget.month}`, ofBudget(String(budget.requests), limits.budget.requests, String)],
    [`Egress in ${budget.month}`, ofBudget(formatBytes(budget.egressBytes), limits.budget.egressBytes, formatBytes)],
    [`CPU hours in ${budget.month}`, ofBudget(hours(budget.cpuSeconds), limits.budget.cpuSeconds, hours)],
    ...[budget.alert, budget.requestAlert].flatMap((alert) =>
      alert ? [['Alert', { text: describeBudget(alert), colour: 'yellow' }] satisfies [string, Cell]] : [],
    ),
    ['Own cores', tenant.cpus ?? 'none'],
    ['Egress allowed', tenant.egress.allow.join(', ') || '-'],
    ['Egress denied', tenant.egress.deny.join(', ') || '-'],
  ])
}

const ofBudget = (used: string, limit: number | null, format: (value: number) => string): string =>
  limit === null ? `${used}, no limit` : `${used} of ${format(limit)}`

function stateCell({ suspended }: TenantView): Cell {
  return suspended ? { text: `suspended: ${suspended.reason}`, colour: 'red' } : { text: 'active', colour: 'green' }
}

/** What is promised beyond the plan. */
function overOf({ promised, limits }: TenantDetail): string[] {
  const parts: [boolean, string][] = [
    [promised.apps > limits.apps, `${promised.apps} apps`],
    [promised.instances > limits.instances, `${promised.instances} instances`],
    [promised.memoryMb > limits.memoryMb, `${formatMegabytes(promised.memoryMb)} memory`],
    [promised.diskMb > limits.diskMb, `${formatMegabytes(promised.diskMb)} disk`],
  ]
  return parts.filter(([over]) => over).map(([, text]) => text)
}
