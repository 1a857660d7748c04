import type { AppView, InstanceView } from '../../core/contract/api.ts'
import type { Snapshot } from './api.ts'
import { Badge, type Tone } from './Badge.tsx'
import type { History } from './history.ts'
import { InstanceTable } from './InstanceTable.tsx'

export function Apps({ snapshot, history }: { snapshot: Snapshot; history: History }) {
  const { apps, instances, at } = snapshot
  const names = new Set(apps.map(({ name }) => name))
  const ownerless = instances.filter(({ app }) => !names.has(app))
  return (
    <section aria-labelledby="apps">
      <h2 id="apps">
        Apps <span className="quiet">{summaryOf(apps, instances)}</span>
      </h2>
      {apps.length === 0 ? (
        <p className="quiet">
          There are no apps yet. Make one with <code>berth create</code>.
        </p>
      ) : null}
      {apps.map((app) => (
        <AppCard
          key={app.id}
          app={app}
          now={at}
          history={history}
          instances={instances.filter((i) => i.app === app.name)}
        />
      ))}
      {ownerless.length === 0 ? null : (
        <article aria-label="Instances of destroyed apps">
          <h3>Instances of destroyed apps</h3>
          <InstanceTable label="Instances of destroyed apps" instances={ownerless} history={history} now={at} />
        </article>
      )}
    </section>
  )
}

type CardProps = { app: AppView; instances: InstanceView[]; history: History; now: number }

function AppCard({ app, instances, history, now }: CardProps) {
  const wanted = Object.entries(app.formation).map(([type, process]) => `${type}=${process?.count ?? 0}`)
  return (
    <article aria-labelledby={`app-${app.id}`}>
      <div className="app-head">
        <h3 id={`app-${app.id}`}>{app.name}</h3>
        <span className="badges">
          <Badge tone="quiet">{app.release === null ? 'no release' : `v${app.release}`}</Badge>
          <Rollout rollout={app.rollout} />
        </span>
        {/^https?:\/\//.test(app.url) ? (
          <a href={app.url} target="_blank" rel="noreferrer">
            {app.url.replace(/^https?:\/\/|\/$/g, '')}
          </a>
        ) : null}
        <span className="quiet">
          {app.tenant}
          {wanted.length === 0 ? '' : ` · ${wanted.join(' ')}`}
        </span>
      </div>
      {app.rollout !== null && app.rollout.detail !== '' ? (
        <p className={app.rollout.state === 'failed' ? 'reason' : 'quiet'}>
          v{app.rollout.release}: {app.rollout.detail}
        </p>
      ) : null}
      {instances.length === 0 ? (
        <p className="quiet">No instances.</p>
      ) : (
        <InstanceTable label={`Instances of ${app.name}`} instances={instances} history={history} now={now} />
      )}
    </article>
  )
}

const rolloutTones = { rolling: 'busy', done: 'good', failed: 'bad' } satisfies Record<string, Tone>

function Rollout({ rollout }: Pick<AppView, 'rollout'>) {
  if (rollout === null) return null
  const text = rollout.state === 'done' ? 'live' : `v${rollout.release} ${rollout.state}`
  return <Badge tone={rolloutTones[rollout.state]}>{text}</Badge>
}

function summaryOf(apps: AppView[], instances: InstanceView[]): string {
  if (apps.length === 0) return ''
  const running = instances.filter(({ state }) => state === 'running').length
  return `${apps.length}, with ${running} of ${instances.length} instances running`
}
