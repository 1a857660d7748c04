/** What is seldom changed, and what cannot be taken back. */
import { useCallback, type ReactNode } from 'react'
import { useLocation } from 'wouter'
import type { AppView, ChecksView, RoutingView } from '../../../../core/contract/api.ts'
import { call, part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { bytes, duration } from '../../text/format.ts'
import { Button } from '../../ui/Button.tsx'
import { AskButton } from '../../ui/Dialogs.tsx'
import { Card, CopyLine } from '../../ui/parts.tsx'
import { Table } from '../../ui/Table.tsx'
import { say } from '../../ui/toasts.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf, usePause, useRestart, useTold } from './doings.ts'

export function SettingsTab({ app, why }: TabProps) {
  return (
    <>
      <div className="columns two">
        <Build app={app} />
        <Routing app={app} why={why} />
      </div>
      <Checks app={app} />
      <Dangers app={app} why={why} />
    </>
  )
}

const Build = ({ app }: { app: AppView }) => (
  <Card title="Code and builds">
    <div className="stack">
      <CopyLine text={app.gitUrl} what="the git address" />
      <dl className="pairs">
        <dt>Branch</dt>
        <dd>{app.build.branch ?? 'main or master'}</dd>
        <dt>Folder</dt>
        <dd>{app.build.root ?? 'the root of the repository'}</dd>
        <dt>Buildpacks</dt>
        <dd>
          {app.build.buildpacks.length === 0 ? 'found by what the source holds' : app.build.buildpacks.join(', ')}
        </dd>
      </dl>
    </div>
  </Card>
)

function Routing({ app, why }: TabProps) {
  const { data } = useGet<RoutingView>(`${pathOf(app)}/routing`, { optional: true })
  const isOn = data?.maintenance ?? false
  const toggle = useTold(
    useCallback(async () => {
      await call('PATCH', `${pathOf(app)}/routing`, { body: { maintenance: !isOn } })
      await refresh(`${pathOf(app)}/routing`)
    }, [app, isOn]),
    isOn ? `${app.name} serves again.` : `Every request to ${app.name} is answered 503 now.`,
  )
  if (!data) return null
  return (
    <Card
      title="Requests"
      aside={
        <Button size="small" why={why} busy={toggle.busy} onClick={() => void toggle.run()}>
          {isOn ? 'End maintenance' : 'Begin maintenance'}
        </Button>
      }
    >
      <dl className="pairs">
        <dt>Maintenance</dt>
        <dd>{isOn ? 'on: every request is answered 503' : 'off'}</dd>
        <dt>HTTPS only</dt>
        <dd>{data.forceHttps ? 'yes' : 'no'}</dd>
        <dt>Sticky sessions</dt>
        <dd>{data.sticky ? 'yes' : 'no'}</dd>
        <dt>Largest body</dt>
        <dd>{data.bodyLimitBytes === null ? 'no limit' : bytes(data.bodyLimitBytes)}</dd>
        <dt>First byte within</dt>
        <dd>{duration(data.firstByteMs)}</dd>
      </dl>
    </Card>
  )
}

function Checks({ app }: { app: AppView }) {
  const { data } = useGet<ChecksView>(`${pathOf(app)}/checks`, { optional: true })
  if (!data || data.checks.length === 0) return null
  return (
    <Card title="Health checks" flush>
      <Table head={['Process', 'Check', 'Within', ['From', 'wide']]}>
        {data.checks.map(({ process, kind, path, startTimeoutMs, from }) => (
          <tr key={process}>
            <td>
              <code className="strong">{process}</code>
            </td>
            <td>{kind === 'http' ? `GET ${path}` : kind === 'tcp' ? 'accepts connections' : 'runs'}</td>
            <td>{duration(startTimeoutMs)}</td>
            <td className="wide quiet">{{ app: 'set here', code: 'app.json', default: 'usual' }[from]}</td>
          </tr>
        ))}
      </Table>
    </Card>
  )
}

function Dangers({ app, why }: TabProps) {
  const [, go] = useLocation()
  const restart = useRestart(app)
  const { resume } = usePause(app)
  const path = pathOf(app)
  return (
    <Card title="Stop and destroy" flush>
      <Danger title="Restart" text="Every instance is replaced by a new one of the same release, without downtime.">
        <Button
          why={why ?? (app.paused ? 'It is paused.' : null)}
          busy={restart.busy}
          onClick={() => void restart.run()}
        >
          Restart
        </Button>
      </Danger>
      {app.paused ? (
        <Danger title="Resume" text="Its processes go on where they were frozen.">
          <Button why={why} busy={resume.busy} onClick={() => void resume.run()}>
            Resume
          </Button>
        </Danger>
      ) : (
        <Danger title="Pause" text="Its processes are frozen where they are and answer no request until it is resumed.">
          <AskButton
            label="Pause"
            why={why}
            title={`Pause ${app.name}?`}
            effect={<p>Its users get no answers until somebody resumes it. Memory and disk stay assigned.</p>}
            name={app.name}
            verb="Pause it"
            work={() => call('POST', `${path}/pause`)}
          />
        </Danger>
      )}
      <Danger
        title="Destroy"
        text="The app, its releases, code, config vars, domains and logs are gone. Nothing brings them back."
      >
        <AskButton
          label="Destroy"
          kind="danger"
          why={why}
          title={`Destroy ${app.name}?`}
          effect={
            <p>
              Its instances are stopped at once, and its repository, releases, config vars, domains and logs are
              deleted. This cannot be undone.
            </p>
          }
          name={app.name}
          verb="Destroy it"
          work={() => call('DELETE', `${path}?confirm=${part(app.name)}`)}
          onDone={() => {
            say(`${app.name} is destroyed.`)
            go('/apps')
          }}
        />
      </Danger>
    </Card>
  )
}

const Danger = ({ title, text, children }: { title: string; text: string; children: ReactNode }) => (
  <div className="danger-row">
    <div>
      <h3>{title}</h3>
      <p>{text}</p>
    </div>
    {children}
  </div>
)
