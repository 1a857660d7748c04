/** How an app fares over an hour, a day and a month. */
import { useLocation, useSearch } from 'wouter'
import { bytes } from '../../text/format.ts'
import { Card, Empty, Loading, Segments } from '../../ui/parts.tsx'
import type { TabProps } from './AppPage.tsx'
import { bytesPerSecond, cpu, latency, perSecond, SeriesChart, useSeries, type Range } from './MetricCharts.tsx'

const ranges = [
  ['1h', '1 hour'],
  ['24h', '1 day'],
  ['30d', '30 days'],
] as const satisfies [Range, string][]

export function MetricsTab({ app }: TabProps) {
  const asked = new URLSearchParams(useSearch()).get('range')
  const range = ranges.find(([id]) => id === asked)?.[0] ?? '1h'
  const [path, go] = useLocation()
  const shown = useSeries(app, range)
  return (
    <>
      <div className="row between wrap">
        <Segments
          label="Range"
          value={range}
          options={ranges}
          onChange={(next) => go(`${path}?range=${next}`, { replace: true })}
        />
        <span className="small faint">Dashed lines are deploys</span>
      </div>
      {shown.isLoading && <Loading lines={6} />}
      {!shown.isLoading && !shown.series && (
        <Card>
          <Empty title="Nothing is measured yet">
            <p>Series begin with the app’s first release, one point every ten seconds.</p>
          </Empty>
        </Card>
      )}
      {shown.series && (
        <div className="columns two">
          <Card>
            <SeriesChart
              shown={shown}
              title="Requests"
              format={perSecond}
              lines={[
                ['requestsPerSecond', 'Requests', 1, 'filled'],
                ['errorsPerSecond', 'Errors', 'bad'],
              ]}
            />
          </Card>
          <Card>
            <SeriesChart
              shown={shown}
              title="Latency"
              format={latency}
              lines={[
                ['p50Ms', 'p50', 2],
                ['p95Ms', 'p95', 3],
              ]}
            />
          </Card>
          <Card>
            <SeriesChart shown={shown} title="CPU, cores" format={cpu} lines={[['cpuMilli', 'Used', 1, 'filled']]} />
          </Card>
          <Card>
            <SeriesChart
              shown={shown}
              title="Memory"
              binary
              format={bytes}
              lines={[['memoryBytes', 'Used', 4, 'filled']]}
            />
          </Card>
          <Card>
            <SeriesChart
              shown={shown}
              title="Network"
              binary
              format={bytesPerSecond}
              lines={[
                ['bytesInPerSecond', 'In', 2],
                ['bytesOutPerSecond', 'Out', 1],
              ]}
            />
          </Card>
          <Card>
            <SeriesChart
              shown={shown}
              title="Instances and restarts"
              format={(value) => String(Math.round(value * 10) / 10)}
              lines={[
                ['instances', 'Instances', 2],
                ['restarts', 'Restarts', 'bad'],
              ]}
            />
          </Card>
        </div>
      )}
    </>
  )
}
