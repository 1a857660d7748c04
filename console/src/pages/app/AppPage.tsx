/** One app: what it is and does, and all that can be done with it, by tab. */
import './app.css'
import { lazy, Suspense, useEffect, type ComponentType } from 'react'
import { Link } from 'wouter'
import type { AppView } from '../../../../core/contract/api.ts'
import { part } from '../../api/client.ts'
import { useGet } from '../../api/queries.ts'
import { fetchAgain } from '../../app/fetch-again.ts'
import { useSession, whyNot } from '../../api/session.ts'
import { useApp, useKnown, useMany } from '../../live/hooks.ts'
import { tenantPath } from '../../text/attention.ts'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { Dot, Empty, Failed, Loading, Notice, PageHead, Status } from '../../ui/parts.tsx'
import { appState } from '../apps/state.ts'
import { OverviewTab } from './OverviewTab.tsx'
import { usePause, useRestart } from './doings.ts'

export type TabProps = { app: AppView; /** Why this person may not change it; null: they may. */ why: string | null }

const tab = <Name extends string>(load: () => Promise<Record<Name, ComponentType<TabProps>>>, name: Name) =>
  lazy(async () => ({ default: (await fetchAgain(load))[name] }))

const tabs: { id: string; title: string; page: ComponentType<TabProps> }[] = [
  { id: '', title: 'Overview', page: OverviewTab },
  { id: 'releases', title: 'Releases', page: tab(() => import('./ReleasesTab.tsx'), 'ReleasesTab') },
  { id: 'instances', title: 'Instances', page: tab(() => import('./InstancesTab.tsx'), 'InstancesTab') },
  { id: 'logs', title: 'Logs', page: tab(() => import('./LogsTab.tsx'), 'LogsTab') },
  { id: 'metrics', title: 'Metrics', page: tab(() => import('./MetricsTab.tsx'), 'MetricsTab') },
  { id: 'config', title: 'Config', page: tab(() => import('./ConfigTab.tsx'), 'ConfigTab') },
  { id: 'domains', title: 'Domains', page: tab(() => import('./DomainsTab.tsx'), 'DomainsTab') },
  { id: 'scale', title: 'Scale', page: tab(() => import('./ScaleTab.tsx'), 'ScaleTab') },
  { id: 'jobs', title: 'Jobs', page: tab(() => import('./JobsTab.tsx'), 'JobsTab') },
  { id: 'events', title: 'Events', page: tab(() => import('./EventsTab.tsx'), 'EventsTab') },
  { id: 'alerts', title: 'Alerts', page: tab(() => import('./AlertsTab.tsx'), 'AlertsTab') },
  { id: 'webhooks', title: 'Webhooks', page: tab(() => import('./WebhooksTab.tsx'), 'WebhooksTab') },
  { id: 'settings', title: 'Settings', page: tab(() => import('./SettingsTab.tsx'), 'SettingsTab') },
]

export function AppPage({ params }: { params: Record<string, string> }) {
  const name = decode(params.app)
  const live = useApp(name)
  const isKnown = useKnown('apps')
  // A page that was opened before the stream said anything, or where there is none.
  const asked = useGet<AppView>(live ? null : `/v1/apps/${part(name)}`)
  const app = live ?? asked.data
  useEffect(() => {
    document.title = `${name} · Berth`
  }, [name])
  if (!app && asked.error && (isKnown || asked.error.status !== 0))
    return <Failed error={asked.error} again={asked.again} />
  if (!app) return <Loading lines={6} />
  return <Loaded app={app} tabId={params.tab ?? ''} />
}

function Loaded({ app, tabId }: { app: AppView; tabId: string }) {
  const session = useSession()
  const why = whyNot(session, 'write', app.tenant)
  const instances = useMany('instances', `app:${app.name}`, 250)
  const running = instances.filter(({ once, state }) => !once && state === 'running').length
  const current = tabs.find(({ id }) => id === tabId)
  const base = `/apps/${part(app.name)}`
  return (
    <>
      <PageHead
        crumbs={<Link href="/apps">Apps</Link>}
        title={app.name}
        about={
          <>
            <Status word={appState(app, running)} />
            <Dot />
            <Link href={tenantPath(app.tenant)}>{app.tenant}</Link>
            <Dot />
            <Address url={app.url} />
          </>
        }
      >
        <Doings app={app} why={why} />
      </PageHead>
      <nav className="tabs" aria-label={`Parts of ${app.name}`}>
        {tabs.map(({ id, title }) => (
          <Link key={id} href={id === '' ? base : `${base}/${id}`} aria-current={id === tabId ? 'page' : undefined}>
            {title}
          </Link>
        ))}
      </nav>
      <Halted app={app} />
      {current ? (
        <Suspense fallback={<Loading lines={6} />}>
          <current.page app={app} why={why} />
        </Suspense>
      ) : (
        <Empty title="There is no such tab">
          <Link href={base} className="link">
            Back to {app.name}
          </Link>
        </Empty>
      )}
    </>
  )
}

/** Only what leads to a web page is a link. */
const Address = ({ url }: { url: string }) =>
  /^https?:\/\//.test(url) ? (
    <a href={url} className="link row" target="_blank" rel="noreferrer">
      {url.replace(/^https?:\/\//, '')}
      <Icon name="external" />
    </a>
  ) : (
    <span>{url}</span>
  )

function Doings({ app, why }: TabProps) {
  const restart = useRestart(app)
  const { resume } = usePause(app)
  const cannotRestart = why ?? (app.release === null ? 'Nothing is deployed yet.' : app.paused ? 'It is paused.' : null)
  return app.paused ? (
    <Button kind="primary" icon="play" busy={resume.busy} why={why} onClick={() => void resume.run()}>
      Resume
    </Button>
  ) : (
    <Button busy={restart.busy} why={cannotRestart} onClick={() => void restart.run()}>
      Restart
    </Button>
  )
}

const Halted = ({ app: { suspended, paused, rollout } }: { app: AppView }) => {
  if (suspended !== null) return <Notice tone="bad">Nothing of this app runs: {suspended}.</Notice>
  if (paused !== null)
    return <Notice tone="busy">Paused by {paused.by}. Nothing is started or replaced until it is resumed.</Notice>
  if (rollout?.state === 'failed')
    return (
      <Notice tone="bad">
        Release v{rollout.release} did not make it: {rollout.detail}
      </Notice>
    )
  if (rollout?.state === 'rolling')
    return (
      <Notice tone="busy">
        Release v{rollout.release} takes over. {rollout.detail}
      </Notice>
    )
  return null
}

function decode(name = ''): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
