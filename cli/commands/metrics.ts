/** metrics: how an app, a tenant, a host or the platform did over the last hour, day or month. */
import { seriesNames, seriesRanges, type SeriesName, type SeriesView } from '#core/contract/series.ts'
import type { Context, Options, Run } from '../context.ts'
import { usage } from '../failures.ts'
import { sparkline } from '../sparkline.ts'
import { formatBytes, formatCores, formatDuration, parseTime } from '../text.ts'
import { formatMs, formatRate } from '../top-table.ts'

export const metrics: Run = async (context, _args, options) => {
  const { client, out, now } = context
  if (options.json && options.csv) throw usage('Choose --json or --csv, not both.')
  const { range, from, to } = options
  if (range !== undefined && !seriesRanges.some((known) => known === range))
    throw usage(`--range must be one of ${seriesRanges.join(', ')}, got "${range}".`)
  if (range !== undefined && (from ?? to) !== undefined) throw usage('Choose --range or --from and --to, not both.')
  const { at, names, name } = await subjectOf(context, options)
  const query = { range, from: from && parseTime(from, now()), to: to && parseTime(to, now()) }
  const view = await (await client()).get(`${at}/metrics`, { ...names, query })
  if (options.json) return out.json(view)
  if (options.csv) return out.csv(['at', ...measuredIn(view)], csvRows(view))
  show(context, name, view)
}

type Subject = {
  at: '/apps/:app' | '/tenants/:tenant' | '/hosts/:host' | ''
  names: { app: string } | { tenant: string } | { host: string } | Record<never, never>
  name: string
}

async function subjectOf(context: Context, options: Options): Promise<Subject> {
  const { tenant, host, platform } = options
  const named = [options.app ?? options.remote, tenant, host, platform || undefined].filter((one) => one !== undefined)
  if (named.length > 1) throw usage('Choose one of -a, --tenant, --host and --platform.')
  if (tenant !== undefined) return { at: '/tenants/:tenant', names: { tenant }, name: tenant }
  if (host !== undefined) return { at: '/hosts/:host', names: { host }, name: host }
  if (platform) return { at: '', names: {}, name: 'the platform' }
  const app = await context.app(options)
  return { at: '/apps/:app', names: { app }, name: app }
}

type Shown = { label: string; format: (value: number) => string }

const perSecond = (bytes: number): string => `${formatBytes(bytes)}/s`

const shown: Record<SeriesName, Shown> = {
  cpuMilli: { label: 'CPU (cores)', format: formatCores },
  memoryBytes: { label: 'Memory', format: formatBytes },
  instances: { label: 'Instances', format: String },
  requestsPerSecond: { label: 'Requests/s', format: formatRate },
  errorsPerSecond: { label: 'Errors/s', format: formatRate },
  p50Ms: { label: 'Half within', format: formatMs },
  p95Ms: { label: '95 % within', format: formatMs },
  bytesInPerSecond: { label: 'In', format: perSecond },
  bytesOutPerSecond: { label: 'Out', format: perSecond },
  restarts: { label: 'Restarts', format: String },
}

const WIDTH = 60

function show({ out }: Context, name: string, view: SeriesView): void {
  const names = measuredIn(view)
  if (names.length === 0)
    return out.line(`Nothing is known of ${name} from ${view.from} to ${view.to}: nothing of it ran.`)
  out.note(`${name}, from ${view.from} to ${view.to}, in steps of ${formatDuration(view.stepSeconds * 1000)}`)
  out.table(
    ['', '', 'LAST', 'MEAN', 'HIGHEST'],
    names.map((one) => {
      const values = view.series[one] ?? []
      const known = values.filter((value) => value !== null)
      const { label, format } = shown[one]
      return [
        label,
        sparkline(values, WIDTH),
        format(known.at(-1) ?? 0),
        one === 'restarts' ? '' : format(known.reduce((sum, value) => sum + value, 0) / known.length),
        format(Math.max(...known)),
      ]
    }),
  )
}

const measuredIn = ({ series }: SeriesView): SeriesName[] => seriesNames.filter((name) => series[name] !== undefined)

/** In the units of the API, so that a program can go on with them; what is not known is empty. */
function csvRows(view: SeriesView): string[][] {
  const names = measuredIn(view)
  const count = names[0] === undefined ? 0 : (view.series[names[0]]?.length ?? 0)
  const from = Date.parse(view.from)
  return Array.from({ length: count }, (_, place) => [
    new Date(from + place * view.stepSeconds * 1000).toISOString(),
    ...names.map((name) => String(view.series[name]?.[place] ?? '')),
  ])
}
