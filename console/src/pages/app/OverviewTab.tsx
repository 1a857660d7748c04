/** What an app is, how it fares now, and what happened last. */
import { Link } from 'wouter'
import type { AppView, DeployView, EventView, ReleaseView } from '../../../../core/contract/api.ts'
import { useGet } from '../../api/queries.ts'
import { useMany, useOne } from '../../live/hooks.ts'
import { bytes, cores, mebibytes, milliseconds, rate, shortCommit } from '../../text/format.ts'
import { deployState, headline } from '../../text/words.ts'
import { appPath } from '../../text/attention.ts'
import { EventList } from '../../ui/EventList.tsx'
import { Ago, Card, CopyLine, Empty, Loading, Status } from '../../ui/parts.tsx'
import { PushSteps } from '../apps/FirstApp.tsx'
import { pathOf } from './doings.ts'
import type { TabProps } from './AppPage.tsx'
import { TrafficChart } from './MetricCharts.tsx'

export function OverviewTab({ app }: TabProps) {
  if (app.release === null && app.rollout === null)
    return (
      <div className="columns two">
        <Card title="Deploy for the first time">
          <PushSteps app={app} />
        </Card>
        <Deploys app={app} />
      </div>
    )
  return (
    <>
      <Figures app={app} />
      <div className="columns wide-left">
        <div className="stack">
          <Card>
            <TrafficChart app={app} range="1h" />
          </Card>
          <Events app={app} />
        </div>
        <div className="stack">
          <Current app={app} />
          <Processes app={app} />
          <Deploys app={app} />
        </div>
      </div>
    </>
  )
}

function Figures({ app }: { app: AppView }) {
  const traffic = useOne('traffic', app.name)
  const serving = useMany('instances', `app:${app.name}`, 500).filter(({ once }) => !once)
  const running = serving.filter(({ state }) => state === 'running')
  const total = (of: (instance: (typeof running)[number]) => number | null): number =>
    running.reduce((sum, instance) => sum + (of(instance) ?? 0), 0)
  const share = traffic?.requestsPerSecond ? traffic.errorsPerSecond / traffic.requestsPerSecond : 0
  return (
    <dl className="facts">
      <Fact title="Instances" value={running.length} small={`of ${serving.length}`} />
      <Fact title="Requests" value={traffic ? rate(traffic.requestsPerSecond) : '–'} small="/s" />
      <Fact
        title="Errors"
        value={(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)}
        small="%"
        isBad={share >= 0.02}
      />
      <Fact
        title="p50, p95"
        value={milliseconds(traffic?.p50Ms ?? null)}
        small={milliseconds(traffic?.p95Ms ?? null)}
      />
      <Fact
        title="CPU"
        value={cores(total(({ cpuMilliUsed }) => cpuMilliUsed))}
        small={`of ${cores(total(({ cpuMilli }) => cpuMilli))}`}
      />
      <Fact
        title="Memory"
        value={bytes(total(({ memoryBytesUsed }) => memoryBytesUsed))}
        small={`of ${mebibytes(total(({ memoryMb }) => memoryMb))}`}
      />
    </dl>
  )
}

type FactProps = { title: string; value: string | number; small: string; isBad?: boolean }

const Fact = ({ title, value, small, isBad = false }: FactProps) => (
  <div>
    <dt>{title}</dt>
    <dd className={isBad ? 'bad' : ''}>
      {value} <small>{small}</small>
    </dd>
  </div>
)

function Current({ app }: { app: AppView }) {
  const { data } = useGet<ReleaseView>(app.release === null ? null : `${pathOf(app)}/releases/${app.release}`)
  return (
    <Card
      title={app.release === null ? 'No release serves yet' : `Release v${app.release}`}
      aside={
        <Link href={`${appPath(app.name)}/releases`} className="link small">
          All releases
        </Link>
      }
    >
      {data && (
        <dl className="pairs">
          <dt>What</dt>
          <dd>{headline(data)}</dd>
          {data.commit !== null && (
            <>
              <dt>Commit</dt>
              <dd>
                <code>{shortCommit(data.commit)}</code>
                {headline(data) !== data.subject && ` ${data.subject ?? ''}`}
              </dd>
            </>
          )}
          <dt>By</dt>
          <dd>
            {data.actor}, <Ago at={data.createdAt} />
          </dd>
          <dt>Built with</dt>
          <dd>
            {[data.buildpack, ...data.runtimes.map(({ name, version }) => `${name} ${version}`)]
              .filter(Boolean)
              .join(', ') || '–'}
          </dd>
        </dl>
      )}
      <div className="git-line">
        <CopyLine text={app.gitUrl} what="the git address" />
      </div>
    </Card>
  )
}

function Processes({ app }: { app: AppView }) {
  const types = Object.entries(app.formation)
  return (
    <Card
      title="Processes"
      aside={
        <Link href={`${appPath(app.name)}/scale`} className="link small">
          Scale
        </Link>
      }
      flush
    >
      {types.length === 0 ? (
        <Empty title="No process types yet" />
      ) : (
        <ul className="list">
          {types.map(([type, process]) => (
            <li key={type}>
              <Link href={`${appPath(app.name)}/scale`}>
                <code className="grow strong">{type}</code>
                <span className="quiet nowrap">
                  {process?.count} × {mebibytes(process?.size.memoryMb ?? 0)}, {cores(process?.size.cpuMilli ?? 0)} CPU
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Deploys({ app }: { app: AppView }) {
  const { data, isLoading } = useGet<{ deploys: DeployView[] }>(`${pathOf(app)}/deploys`)
  return (
    <Card title="Deploys" flush>
      {isLoading && <Loading />}
      {data?.deploys.length === 0 && <Empty title="Nothing was deployed yet" />}
      <ul className="list">
        {data?.deploys.slice(0, 6).map((deploy) => (
          <li key={deploy.id}>
            <Link href={`${appPath(app.name)}/deploys/${deploy.id}`}>
              <span className="grow clip">
                <span className="clip block">{headline(deploy)}</span>
                <span className="small faint">
                  {deploy.actor}, <Ago at={deploy.createdAt} />
                </span>
              </span>
              <Status word={deployState(deploy)} />
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Events({ app }: { app: AppView }) {
  const { data, isLoading } = useGet<{ events: EventView[] }>(`${pathOf(app)}/events?n=8`)
  return (
    <Card
      title="Recent events"
      aside={
        <Link href={`${appPath(app.name)}/events`} className="link small">
          All events
        </Link>
      }
      flush
    >
      {isLoading && <Loading />}
      {data?.events.length === 0 && <Empty title="Nothing has happened yet" />}
      {data && data.events.length > 0 && <EventList events={newestFirst(data.events)} />}
    </Card>
  )
}

export const newestFirst = (events: EventView[]): EventView[] =>
  [...events].sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
