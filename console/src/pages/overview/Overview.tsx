/** The whole place at a glance: what needs somebody, then what there is and how it fares. */
import './overview.css'
import { useEffect, useMemo } from 'react'
import { Link } from 'wouter'
import type { InstanceView } from '../../../../core/contract/api.ts'
import { useSession } from '../../api/session.ts'
import { useKnown, useLiveState, useMany } from '../../live/hooks.ts'
import { count, mebibytes, milliseconds, percent, rate } from '../../text/format.ts'
import { Card, Loading, Notice, PageHead } from '../../ui/parts.tsx'
import { FirstApp } from '../apps/FirstApp.tsx'
import { Attention } from './Attention.tsx'
import { HostTiles } from './HostTiles.tsx'
import { RecentEvents } from './RecentEvents.tsx'
import { RunningDeploys } from './RunningDeploys.tsx'
import { TenantUse } from './TenantUse.tsx'
import { TrafficCard } from './TrafficCard.tsx'

export function Overview() {
  const { operator } = useSession()
  const apps = useMany('apps', '*', 1000)
  const isKnown = useKnown('apps')
  const live = useLiveState()
  useEffect(() => {
    document.title = 'Overview · Berth'
  }, [])
  if (!isKnown) return live === 'unavailable' ? <NotLive /> : <OverviewLoading />
  const isEmpty = apps.length === 0
  return (
    <>
      <PageHead title="Overview" />
      {isEmpty && <FirstApp />}
      {!isEmpty && <Headline />}
      {!isEmpty && <Attention />}
      {operator && <HostTiles />}
      {!isEmpty && (
        <div className="columns wide-left">
          <div className="stack">
            <TrafficCard />
            <RecentEvents />
          </div>
          <div className="stack">
            <RunningDeploys />
            <TenantUse />
          </div>
        </div>
      )}
    </>
  )
}

const OverviewLoading = () => (
  <>
    <PageHead title="Overview" />
    <Card>
      <Loading lines={6} />
    </Card>
  </>
)

const NotLive = () => (
  <>
    <PageHead title="Overview" />
    <Notice>This controller sends no live changes. Update it to see the state of the place here.</Notice>
  </>
)

function Headline() {
  const instances = useMany('instances', '*', 1000)
  const traffic = useMany('traffic', '*', 1000)
  const hosts = useMany('hosts', '*', 1000)
  const { serving, running } = useMemo(() => countServing(instances), [instances])
  const requests = sum(traffic.map(({ requestsPerSecond }) => requestsPerSecond))
  const errors = sum(traffic.map(({ errorsPerSecond }) => errorsPerSecond))
  const slowest = traffic.reduce<(typeof traffic)[number] | null>(
    (most, app) => ((app.p95Ms ?? 0) > (most?.p95Ms ?? 0) ? app : most),
    null,
  )
  const alive = hosts.filter(({ live }) => live)
  const used = sum(alive.map(({ memoryMbUsed }) => memoryMbUsed))
  const capacity = sum(alive.map(({ capacity }) => capacity.memoryMb))
  const share = requests === 0 ? 0 : errors / requests
  return (
    <dl className="facts">
      <div>
        <dt>Instances running</dt>
        <dd>
          {count(running)} <small>of {count(serving)}</small>
        </dd>
      </div>
      <div>
        <dt>Requests</dt>
        <dd>
          {rate(requests)} <small>/s</small>
        </dd>
      </div>
      <div>
        <dt>Errors</dt>
        <dd className={share >= 0.02 ? 'bad' : ''}>
          {share > 0 && share < 0.001 ? '<0.1' : (share * 100).toFixed(share < 0.1 ? 1 : 0)} <small>%</small>
        </dd>
      </div>
      <div>
        <dt>p95, slowest app</dt>
        <dd>
          {milliseconds(slowest?.p95Ms ?? null)}{' '}
          {slowest && (
            <small>
              <Link href={`/apps/${encodeURIComponent(slowest.app)}/metrics`} className="link">
                {slowest.app}
              </Link>
            </small>
          )}
        </dd>
      </div>
      {hosts.length > 0 && (
        <div>
          <dt>Memory in use</dt>
          <dd>
            {percent(capacity === 0 ? 0 : used / capacity)} <small>of {mebibytes(capacity)}</small>
          </dd>
        </div>
      )}
    </dl>
  )
}

function countServing(instances: InstanceView[]): { serving: number; running: number } {
  let [serving, running] = [0, 0]
  for (const { once, state } of instances) {
    if (once) continue
    serving++
    if (state === 'running') running++
  }
  return { serving, running }
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
