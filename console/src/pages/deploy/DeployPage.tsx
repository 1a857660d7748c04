/** One deploy, from its source to the rollout: its phases and times, and what the build says while it says it. */
import './deploy.css'
import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import type { DeployLogLine, DeployView } from '../../../../core/contract/api.ts'
import { call, part, readLines } from '../../api/client.ts'
import { sentenceOf } from '../../api/actions.ts'
import { useGet } from '../../api/queries.ts'
import { useSession, whyNot } from '../../api/session.ts'
import { useApp, useOne } from '../../live/hooks.ts'
import { appPath } from '../../text/attention.ts'
import { duration, shortCommit } from '../../text/format.ts'
import { deployState, headline, isOver, sentence } from '../../text/words.ts'
import { Ansi } from '../../ui/Ansi.tsx'
import { AskButton } from '../../ui/Dialogs.tsx'
import { LogView } from '../../ui/LogView.tsx'
import { Ago, Card, Dot, Empty, Failed, Loading, Notice, PageHead, Status, useNow } from '../../ui/parts.tsx'

export function DeployPage({ params }: { params: Record<string, string> }) {
  const name = params.app ?? ''
  const id = params.deploy ?? ''
  const path = `/v1/apps/${part(name)}/deploys/${part(id)}`
  const asked = useGet<DeployView>(path)
  const live = useOne('deploys', id)
  const [ended, setEnded] = useState<DeployView | null>(null)
  const [lines, error] = useDeployLog(`${path}/log`, setEnded)
  useEffect(() => {
    document.title = `Deploy of ${name} · Berth`
  }, [name])
  const deploy = ended ?? live ?? asked.data
  if (!deploy) return asked.error ? <Failed error={asked.error} again={asked.again} /> : <Loading lines={6} />
  return (
    <>
      <PageHead
        crumbs={
          <>
            <Link href="/apps">Apps</Link>
            <span aria-hidden="true">/</span>
            <Link href={appPath(name)}>{name}</Link>
          </>
        }
        title={headline(deploy)}
        about={
          <>
            <Status word={deployState(deploy)} />
            <Dot />
            <span>
              {deploy.actor}, <Ago at={deploy.createdAt} />
            </span>
            {deploy.commit !== null && (
              <>
                <Dot />
                <code>{shortCommit(deploy.commit)}</code>
                {deploy.subject !== null && headline(deploy) !== deploy.subject && <span>{deploy.subject}</span>}
              </>
            )}
            {deploy.release !== null && (
              <>
                <Dot />
                <Link className="link" href={`${appPath(name)}/releases`}>
                  v{deploy.release}
                </Link>
              </>
            )}
          </>
        }
      >
        <Cancel name={name} deploy={deploy} />
      </PageHead>
      {deploy.error !== null && <Notice tone="bad">{deploy.error}</Notice>}
      <Phases deploy={deploy} />
      <Card title="Output" aside={<span className="faint small">{lines.length} lines</span>}>
        <div className="flush">
          {error !== null && <Notice tone="busy">{error}</Notice>}
          <LogView
            label="What the deploy says"
            count={lines.length}
            wrap
            line={(index) => <Ansi line={lines[index] ?? ''} />}
            empty={<Empty title={isOver(deploy) ? 'It said nothing' : 'Waiting for its first words'} />}
          />
        </div>
      </Card>
    </>
  )
}

/** The order in which a deploy is done; what it has no use for is left out. */
const steps: { state: DeployView['state']; title: string }[] = [
  { state: 'queued', title: 'Queued' },
  { state: 'building', title: 'Build' },
  { state: 'releasing', title: 'Release' },
  { state: 'rolling', title: 'Roll out' },
]

function Phases({ deploy }: { deploy: DeployView }) {
  const now = useNow()
  const over = isOver(deploy)
  const at = steps.findIndex(({ state }) => state === deploy.state)
  const total = (deploy.endedAt === null ? now : Date.parse(deploy.endedAt)) - Date.parse(deploy.createdAt)
  const longest = Math.max(1, ...deploy.phases.map(({ ms }) => ms))
  return (
    <Card
      title="Phases"
      aside={
        <span className="small quiet">
          {over ? `took ${duration(total)}` : `${duration(Math.max(0, Math.round(total / 1000) * 1000))} so far`}
        </span>
      }
    >
      <ol className="deploy-steps">
        {steps
          .filter(({ state }) => state !== 'building' || deploy.kind === 'push' || deploy.kind === 'slug')
          .map(({ state, title }) => {
            const index = steps.findIndex((step) => step.state === state)
            const word = over
              ? deploy.state === 'succeeded'
                ? 'done'
                : 'ended'
              : index < at
                ? 'done'
                : index === at
                  ? 'now'
                  : 'next'
            return (
              <li key={state} className={word} aria-current={word === 'now' ? 'step' : undefined}>
                {title}
                <span className="sr-only"> {word}</span>
              </li>
            )
          })}
      </ol>
      {deploy.phases.length > 0 && (
        <dl className="phase-times">
          {deploy.phases.map(({ name, ms }, index) => (
            <div key={index}>
              <dt>{sentence(name)}</dt>
              <dd>
                <span className="bar" style={{ width: `${Math.max(0.5, (ms / longest) * 100)}%` }} aria-hidden="true" />
              </dd>
              <dd className="num">{duration(ms)}</dd>
            </div>
          ))}
        </dl>
      )}
    </Card>
  )
}

function Cancel({ name, deploy }: { name: string; deploy: DeployView }) {
  const session = useSession()
  const app = useApp(name)
  const why = app ? whyNot(session, 'write', app.tenant) : null
  const isBuild = deploy.kind === 'push' || deploy.kind === 'slug'
  if (!isBuild || !['queued', 'building', 'releasing'].includes(deploy.state)) return null
  return (
    <AskButton
      label="Cancel"
      why={why}
      title="Cancel this deploy?"
      effect={<p>What serves now goes on serving. The commit stays pushed; push again to deploy it.</p>}
      verb="Cancel the deploy"
      work={() => call('POST', `/v1/apps/${part(name)}/builds/${part(deploy.id)}/cancel`)}
    />
  )
}

/** From the first line on, until the deploy is over; begun anew when the stream breaks off. */
function useDeployLog(path: string, onEnd: (deploy: DeployView) => void): [string[], string | null] {
  const [lines, setLines] = useState<string[]>([])
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    const stopped = new AbortController()
    const { signal } = stopped
    const follow = async (): Promise<void> => {
      for (let over = false; !over && !signal.aborted;) {
        const read: string[] = []
        let frame = 0
        const onValues = (values: DeployLogLine[]): void => {
          for (const value of values) {
            if ('line' in value) read.push(value.line)
            else {
              over = true
              onEnd(value.end)
            }
          }
          frame ||= requestAnimationFrame(() => {
            frame = 0
            setLines([...read])
          })
        }
        const failure = await readLines(path, onValues, signal).catch((thrown: unknown) => thrown)
        if (over || signal.aborted) return
        setError(failure === undefined ? null : sentenceOf(failure))
        await new Promise((resolve) => setTimeout(resolve, 2000))
      }
    }
    void follow()
    return () => stopped.abort()
  }, [path, onEnd])
  return [lines, error]
}
