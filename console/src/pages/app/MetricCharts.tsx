/** An app's series as charts, with its deploys marked. */
import { useCallback } from 'react'
import type { AppView, DeployView } from '../../../../core/contract/api.ts'
import type { SeriesName, SeriesView } from '../../../../core/contract/series.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { useChange } from '../../live/hooks.ts'
import { bytes, cores, milliseconds, rate } from '../../text/format.ts'
import { isOver } from '../../text/words.ts'
import { LazyChart } from '../../ui/LazyChart.tsx'
import type { Marker, Series } from '../../ui/Chart.tsx'
import { Empty } from '../../ui/parts.tsx'
import { pathOf } from './doings.ts'

export type Range = '1h' | '24h' | '30d'
/** A step of a series, or a good part of one. */
const everyMs: Record<Range, number> = { '1h': 10_000, '24h': 60_000, '30d': 600_000 }

type Shown = { series: SeriesView | undefined; isLoading: boolean; markers: Marker[] }

export function useSeries(app: AppView, range: Range): Shown {
  const path = `${pathOf(app)}/metrics?range=${range}`
  const { data, isLoading } = useGet<SeriesView>(path, { optional: true })
  const again = useCallback(() => void refresh(path), [path])
  useChange('instances', `app:${app.name}`, everyMs[range], again)
  const deploys = useGet<{ deploys: DeployView[] }>(`${pathOf(app)}/deploys`).data?.deploys ?? []
  const markers = deploys.filter(isOver).map(({ createdAt, endedAt, release, state }) => ({
    at: Date.parse(endedAt ?? createdAt),
    text: release === null ? 'failed' : `v${release}`,
    isBad: state === 'failed',
  }))
  return { series: data, isLoading, markers: markers.reverse() }
}

type Line = [SeriesName, string, Series['colour'], ('filled' | undefined)?]
type ChartProps = {
  shown: Shown
  title: string
  lines: Line[]
  format: (value: number) => string
  height?: number
  binary?: true
}

export function SeriesChart({ shown: { series, markers }, title, lines, format, height, binary }: ChartProps) {
  if (!series) return null
  return (
    <LazyChart
      title={title}
      from={Date.parse(series.from)}
      stepSeconds={series.stepSeconds}
      markers={markers}
      format={format}
      group="app"
      {...(binary ? { binary } : {})}
      {...(height === undefined ? {} : { height })}
      series={lines.map(([name, text, colour, filled]) => ({
        name: text,
        values: series.series[name] ?? [],
        colour,
        ...(filled ? { filled: true } : {}),
      }))}
    />
  )
}

export const perSecond = (value: number): string => `${rate(value)}/s`
export const bytesPerSecond = (value: number): string => `${bytes(value)}/s`
export const cpu = (value: number): string => cores(value)
export const latency = (value: number): string => milliseconds(value)

export function TrafficChart({ app, range }: { app: AppView; range: Range }) {
  const shown = useSeries(app, range)
  if (!shown.series) return shown.isLoading ? null : <Empty title="No metrics yet" />
  return (
    <SeriesChart
      shown={shown}
      title="Requests, last hour"
      height={170}
      format={perSecond}
      lines={[
        ['requestsPerSecond', 'Requests', 1, 'filled'],
        ['errorsPerSecond', 'Errors', 'bad'],
      ]}
    />
  )
}
