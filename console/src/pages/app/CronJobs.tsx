/** The jobs of an app's clock: when they run next, how the last run ended, and what was missed. */
import { Link } from 'wouter'
import type { CronJobView, CronView } from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh, useGet } from '../../api/queries.ts'
import { appPath } from '../../text/attention.ts'
import { runState } from '../../text/words.ts'
import { Button } from '../../ui/Button.tsx'
import { Ago, Empty, Notice, Status } from '../../ui/parts.tsx'
import { TableCard } from '../../ui/Table.tsx'
import { say } from '../../ui/toasts.tsx'
import type { TabProps } from './AppPage.tsx'
import { pathOf } from './doings.ts'

export function CronJobs({ app, why }: TabProps) {
  const asked = useGet<CronView>(`${pathOf(app)}/cron`)
  return (
    <>
      {asked.data?.halted && <Notice tone="busy">No job is run now: {asked.data.halted}.</Notice>}
      <TableCard
        title="Jobs by the clock"
        asked={asked}
        rows={asked.data?.jobs}
        head={['Job', ['Schedule, in UTC', 'wide'], 'Next', ['Last', 'wide'], '']}
        empty={
          <Empty title="No jobs">
            <p>
              Name them in the code, under “cron” in app.json: a command and a schedule, like “0 3 * * *”. A deploy
              brings them.
            </p>
          </Empty>
        }
        row={(job) => <Row key={job.name} app={app} why={why} job={job} />}
      />
    </>
  )
}

function Row({ app, why, job }: TabProps & { job: CronJobView }) {
  const path = `${pathOf(app)}/cron/${part(job.name)}`
  const act = useAction(async (what: 'run' | 'pause' | 'resume', done: string) => {
    await call('POST', `${path}/${what}`)
    await refresh(pathOf(app))
    say(done)
  })
  return (
    <tr>
      <td>
        <span className="strong">{job.name}</span>
        <div className="small quiet">
          <code>{job.command}</code>
        </div>
        {job.problem !== null && <div className="small bad-text">It is never run: {job.problem}.</div>}
        {job.missed && (
          <div className="small busy-text">
            {job.missed.text} (<Ago at={job.missed.last} />)
          </div>
        )}
        {act.error !== null && <div className="small bad-text">{act.error}</div>}
      </td>
      <td className="wide">
        <code>{job.schedule}</code>
      </td>
      <td className="quiet">
        {job.paused ? (
          <span title={`by ${job.paused.by}`}>
            <Status word={{ text: 'Paused', tone: 'idle' }} />
          </span>
        ) : job.nextAt === null ? (
          'never'
        ) : (
          <Ago at={job.nextAt} />
        )}
      </td>
      <td className="wide">
        <Last app={app.name} job={job} />
      </td>
      <td className="actions">
        <span className="row">
          <Button
            kind="plain"
            size="small"
            why={why}
            busy={act.busy}
            onClick={() => void act.run('run', `${job.name} runs now.`)}
          >
            Run now
          </Button>
          {job.paused ? (
            <Button
              kind="plain"
              size="small"
              why={why}
              onClick={() => void act.run('resume', `${job.name} runs again by its schedule.`)}
            >
              Resume
            </Button>
          ) : (
            <Button
              kind="plain"
              size="small"
              why={why}
              onClick={() => void act.run('pause', `${job.name} is left out until it is resumed.`)}
            >
              Pause
            </Button>
          )}
        </span>
      </td>
    </tr>
  )
}

function Last({ app, job: { running, last } }: { app: string; job: CronJobView }) {
  const [first] = running
  if (first !== undefined)
    return (
      <Link href={`${appPath(app)}/logs?ps=${part(first)}`} className="link">
        <Status word={{ text: 'Running', tone: 'busy' }} />
      </Link>
    )
  if (!last) return <span className="faint">not yet</span>
  return (
    <>
      {last.run && <Status word={runState(last.run)} />}
      <div className="small faint">
        <Ago at={last.at} />
      </div>
    </>
  )
}
