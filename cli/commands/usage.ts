/** usage: what an app, a tenant's apps, or all tenants' apps used, for people, for spreadsheets and for programs. */
import type { AllUsageView, PeriodView, TenantUsageView, UsedView, UsageView } from '#core/contract/api.ts'
import { refusalsOf, usageFields, usageSteps, type UsageTotals } from '#core/domain/usage.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage as usageError } from '../failures.ts'
import { formatBytes, formatCpuTime, formatDuration, formatMbHours, parseTime } from '../text.ts'

export const usage: Run = async (context, _args, options) => {
  const { client, now } = context
  if (options.json && options.csv) throw usageError('Choose --json or --csv, not both.')
  const query = {
    from: options.from && parseTime(options.from, now()),
    to: options.to && parseTime(options.to, now()),
    by: options.by && parseStep(options.by),
  }
  const api = await client()
  const app = await chosenApp(context, options)
  if (app !== null) return showApp(context, await api.get('/apps/:app/usage', { app, query }), options)
  if (options.tenant !== undefined)
    return showTenants(context, await api.get('/tenants/:tenant/usage', { tenant: options.tenant, query }), options)
  return showTenants(context, await api.get('/usage', { query }), options)
}

/** Only if it was named: a bill is of all apps, in whatever folder one asks for it. */
async function chosenApp(context: Context, options: Options): Promise<string | null> {
  if (options.app === undefined && options.remote === undefined) return null
  if (options.tenant !== undefined) throw usageError('Choose an app (-a) or a tenant (--tenant), not both.')
  return context.app(options)
}

function parseStep(text: string): string {
  if (!(usageSteps as readonly string[]).includes(text))
    throw usageError(`--by must be one of ${usageSteps.join(', ')}, got "${text}".`)
  return text
}

function showApp({ out }: Context, view: UsageView, options: Options): void {
  if (options.json) return out.json(view)
  if (options.csv) return out.csv(csvHead, csvRows(view, view.tenant, view.app, view))
  out.note(periodText(view))
  if (view.by) return out.table(['FROM', ...columns], stepRows(view))
  const { usage: used } = view
  out.facts([
    [
      'CPU time',
      `${formatCpuTime(used.cpuSeconds)} (user ${formatCpuTime(used.cpuUserSeconds)}, system ${formatCpuTime(used.cpuSystemSeconds)})`,
    ],
    [
      'Builds',
      `${formatDuration(used.buildSeconds * 1000)}, with ${formatCpuTime(used.buildCpuSeconds)} of the CPU time`,
    ],
    ['CPU held back', formatCpuTime(used.throttledSeconds)],
    ['Memory', `${formatMbHours(view.memoryMbHours)}, an instance at most ${formatBytes(used.memoryPeakBytes)}`],
    ['Disk', `${formatMbHours(used.diskMbSeconds / 3600)}, an instance at most ${formatBytes(used.diskPeakBytes)}`],
    ['Disk traffic', `${formatBytes(used.ioReadBytes)} read, ${formatBytes(used.ioWriteBytes)} written`],
    ['Network', `${formatBytes(used.networkInBytes)} in, ${formatBytes(used.networkOutBytes)} out`],
    ['Requests', String(used.requests)],
    ['WebSockets', String(used.webSockets)],
    ['Refused', refusedText(used)],
    ['Request bytes', `${formatBytes(used.requestInBytes)} in, ${formatBytes(used.requestOutBytes)} out`],
    ['Output', formatBytes(used.logBytes)],
    ['Processes', `an instance at most ${used.pidsPeak}`],
  ])
}

/** How many the quotas refused, and which. */
function refusedText(used: UsageTotals): string {
  const parts = Object.entries({
    rate: used.refusedRate,
    'in flight': used.refusedConcurrent,
    connections: used.refusedConnections,
    WebSockets: used.refusedWebSockets,
    'one client': used.refusedClient,
    budget: used.refusedBudget,
  }).filter(([, count]) => count > 0)
  const reasons = parts.map(([reason, count]) => `${reason} ${count}`).join(', ')
  return reasons === '' ? '0' : `${refusalsOf(used)} (${reasons})`
}

function showTenants({ out }: Context, view: AllUsageView | TenantUsageView, options: Options): void {
  if (options.json) return out.json(view)
  const tenants = 'tenants' in view ? view.tenants : [view]
  if (options.csv)
    return out.csv(
      csvHead,
      tenants.flatMap(({ tenant, apps }) => apps.flatMap((app) => csvRows(view, tenant, app.app, app))),
    )
  out.note(periodText(view))
  if (view.by) {
    out.table(
      ['TENANT', 'FROM', ...columns],
      tenants.flatMap((tenant) => stepRows(tenant).map((row) => [tenant.tenant, ...row])),
    )
    return out.note('By app and step: add -a APP, or --csv.')
  }
  out.table(
    ['TENANT', 'APP', ...columns],
    [
      ...tenants.flatMap(({ tenant, apps }) =>
        apps.map(({ app, destroyed, usage: used }) => [tenant, destroyed ? `${app} (destroyed)` : app, ...cells(used)]),
      ),
      ['total', '', ...cells(view.usage)],
    ],
  )
}

const columns = ['CPU', 'MEMORY', 'DISK', 'NETWORK IN', 'NETWORK OUT', 'REQUESTS', 'REFUSED', 'OUTPUT', 'BUILDS']

const cells = (used: UsageTotals): string[] => [
  formatCpuTime(used.cpuSeconds),
  formatMbHours(used.memoryMbSeconds / 3600),
  formatMbHours(used.diskMbSeconds / 3600),
  formatBytes(used.networkInBytes),
  formatBytes(used.networkOutBytes),
  String(used.requests),
  String(refusalsOf(used)),
  formatBytes(used.logBytes),
  formatDuration(used.buildSeconds * 1000),
]

const stepRows = ({ buckets }: UsedView): string[][] =>
  buckets.map(({ from, usage: used }) => [from.replace(/:00\.000Z$/, 'Z'), ...cells(used)])

const periodText = ({ from, to }: PeriodView): string => `From ${from} to ${to}`

/** In the units of the API, so that a program can go on with them. */
const csvHead = ['tenant', 'app', 'from', ...usageFields.map(({ name }) => name)]

function csvRows(
  { by, from }: PeriodView,
  tenant: string,
  app: string,
  { usage: used, buckets }: UsedView,
): string[][] {
  const rows = by ? buckets : [{ from, usage: used }]
  return rows.map((row) => [tenant, app, row.from, ...usageFields.map(({ name }) => String(row.usage[name]))])
}
