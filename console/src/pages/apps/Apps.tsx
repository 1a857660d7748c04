/** All apps that one may see. */
import { useEffect, useMemo, useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { AppView, InstanceView } from '../../../../core/contract/api.ts'
import { useFigure, useKnown, useMany, useOne } from '../../live/hooks.ts'
import { useSession } from '../../api/session.ts'
import { compareNames } from '../../text/order.ts'
import { milliseconds, rate } from '../../text/format.ts'
import { appPath, tenantPath } from '../../text/attention.ts'
import { Button } from '../../ui/Button.tsx'
import { Card, Empty, Loading, PageHead, SearchField, Status } from '../../ui/parts.tsx'
import { Rows, type Column } from '../../ui/Rows.tsx'
import { FirstApp } from './FirstApp.tsx'
import { appState } from './state.ts'

export function Apps() {
  const apps = useMany('apps', '*', 1000)
  const isKnown = useKnown('apps')
  const { operator, memberships } = useSession()
  const [, go] = useLocation()
  const [text, setText] = useState('')
  useEffect(() => {
    document.title = 'Apps · Berth'
  }, [])
  const shown = useMemo(
    () =>
      apps
        .filter(({ name, tenant }) => `${name} ${tenant}`.toLowerCase().includes(text.toLowerCase()))
        .sort((a, b) => compareNames(a.name, b.name)),
    [apps, text],
  )
  if (isKnown && apps.length === 0)
    return (
      <>
        <PageHead title="Apps" />
        <FirstApp />
      </>
    )
  const several = operator || memberships.length > 1
  return (
    <>
      <PageHead title="Apps">
        <SearchField label="Filter apps" value={text} onChange={setText} />
        <Button kind="primary" icon="plus" onClick={() => go('/apps/new')}>
          New app
        </Button>
      </PageHead>
      <Card>
        {!isKnown ? (
          <Loading lines={8} />
        ) : shown.length === 0 ? (
          <Empty title={`No app’s name holds “${text}”`} />
        ) : (
          <div className="flush">
            <Rows label="Apps" items={shown} keyOf={({ id }) => id} columns={several ? columns : withoutTenant} />
          </div>
        )}
      </Card>
    </>
  )
}

const columns: Column<AppView>[] = [
  {
    title: 'App',
    width: 'minmax(86px, 2fr)',
    cell: ({ name }) => (
      <Link href={appPath(name)} className="name">
        {name}
      </Link>
    ),
  },
  { title: 'State', width: 'minmax(96px, 1.2fr)', cell: (app) => <State app={app} /> },
  {
    title: 'Tenant',
    width: 'minmax(90px, 1.2fr)',
    from: 'wide',
    cell: ({ tenant }) => (
      <Link href={tenantPath(tenant)} className="quiet">
        {tenant}
      </Link>
    ),
  },
  {
    title: 'Release',
    width: '72px',
    from: 'wide',
    num: true,
    cell: ({ release }) => (release === null ? '–' : `v${release}`),
  },
  { title: 'Instances', width: '84px', from: 'wide', num: true, cell: (app) => <Instances app={app} /> },
  { title: 'Requests/s', width: '80px', num: true, cell: ({ name }) => <Traffic app={name} what="requests" /> },
  {
    title: 'Errors',
    width: '72px',
    from: 'wider',
    num: true,
    cell: ({ name }) => <Traffic app={name} what="errors" />,
  },
  { title: 'p95', width: '76px', from: 'wider', num: true, cell: ({ name }) => <Traffic app={name} what="p95" /> },
]
const withoutTenant = columns.filter(({ title }) => title !== 'Tenant')

const countRunning = (instances: InstanceView[]): number =>
  instances.filter(({ once, state }) => !once && state === 'running').length

const useRunning = (app: string): number => useFigure('instances', `app:${app}`, countRunning)

function State({ app }: { app: AppView }) {
  const running = useRunning(app.name)
  return <Status word={appState(app, running)} />
}

function Instances({ app }: { app: AppView }) {
  const running = useRunning(app.name)
  const wanted = Object.values(app.formation).reduce((total, process) => total + (process?.count ?? 0), 0)
  return (
    <>
      {running}
      <span className="faint"> / {wanted}</span>
    </>
  )
}

function Traffic({ app, what }: { app: string; what: 'requests' | 'errors' | 'p95' }) {
  const traffic = useOne('traffic', app)
  if (!traffic) return <span className="faint">–</span>
  if (what === 'requests') return rate(traffic.requestsPerSecond)
  if (what === 'p95') return milliseconds(traffic.p95Ms)
  const share = traffic.requestsPerSecond === 0 ? 0 : traffic.errorsPerSecond / traffic.requestsPerSecond
  if (share === 0) return <span className="faint">0 %</span>
  return <span className={share >= 0.02 ? 'bad-text' : ''}>{(share * 100).toFixed(share < 0.1 ? 1 : 0)} %</span>
}
