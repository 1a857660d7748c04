/** The last hour's requests and errors, of all apps or of one's own. */
import { useCallback } from 'react'
import type { SeriesView } from '../../../../core/contract/series.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import { part } from '../../api/client.ts'
import { useChange } from '../../live/hooks.ts'
import { rate } from '../../text/format.ts'
import { LazyChart } from '../../ui/LazyChart.tsx'
import { Card } from '../../ui/parts.tsx'

const EVERY_MS = 30_000

export function TrafficCard() {
  const { operator, memberships } = useSession()
  const home = memberships[0]?.tenant
  const path = operator
    ? '/v1/metrics?range=1h'
    : home === undefined
      ? null
      : `/v1/tenants/${part(home)}/metrics?range=1h`
  const { data } = useGet<SeriesView>(path, { optional: true })
  const again = useCallback(() => void (path !== null && refresh(path)), [path])
  useChange('traffic', '*', EVERY_MS, again)
  if (!data) return null
  const { requestsPerSecond = [], errorsPerSecond = [] } = data.series
  return (
    <Card>
      <LazyChart
        title="Requests, last hour"
        from={Date.parse(data.from)}
        stepSeconds={data.stepSeconds}
        height={170}
        format={(value) => `${rate(value)}/s`}
        series={[
          { name: 'Requests', values: requestsPerSecond, colour: 1, filled: true },
          { name: 'Errors', values: errorsPerSecond, colour: 'bad' },
        ]}
      />
    </Card>
  )
}
