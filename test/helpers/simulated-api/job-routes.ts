/** What the simulated API says of commands that run once, and of jobs by the clock. */
import { Router, type Request } from 'express'
import type { AppView, CronJobView, CronView, RunView } from '#core/contract/api.ts'
import { Refusal } from './index.ts'
import { queryOf } from './sessions.ts'

const MINUTE = 60_000
const at = (minutesAgo: number): string => new Date(Date.now() - minutesAgo * MINUTE).toISOString()

/** How many a page holds here, so that there is a second one. */
const PAGE = 12

export type Jobs = { runs: RunView[]; cron: CronJobView[] }

export function makeJobs(app: AppView): Jobs {
  const runs = Array.from({ length: 14 }, (_, index) => makeRun(app, 15 - index, index))
  return {
    runs,
    cron: [
      aJob({ name: 'receipts', command: 'node jobs/receipts.js', schedule: '*/15 * * * *', nextAt: at(-7) }, runs[1]),
      aJob(
        {
          name: 'prices',
          command: 'node jobs/prices.js --all',
          schedule: '0 3 * * *',
          nextAt: at(-412),
          missed: {
            why: 'away',
            text: 'Two runs of prices were missed: no controller was there',
            first: at(1900),
            last: at(460),
            count: 2,
          },
        },
        runs[2],
      ),
      aJob({
        name: 'newsletter',
        command: 'node jobs/newsletter.js',
        schedule: '0 8 * * mon',
        nextAt: null,
        paused: { at: at(3000), by: 'ana@northwind.example' },
      }),
    ],
  }
}

function aJob(fields: Partial<CronJobView> & Pick<CronJobView, 'name'>, last?: RunView): CronJobView {
  return {
    command: '',
    schedule: '',
    timeoutSeconds: 3600,
    overlap: 'skip',
    problem: null,
    paused: null,
    nextAt: null,
    last: last ? { at: last.createdAt, run: last } : null,
    missed: null,
    running: [],
    ...fields,
  }
}

function makeRun(app: AppView, number: number, index: number): RunView {
  const [command, job, minutes, reason, exitCode] = (
    [
      ['node migrate.js --to 48', null, 2, null, null],
      ['node jobs/receipts.js', 'receipts', 8, 'completed', 0],
      ['node jobs/prices.js --all', 'prices', 412, 'exited', 3],
      ['node -e "console.log(process.version)"', null, 500, 'completed', 0],
    ] as const
  )[index] ?? ['node jobs/receipts.js', 'receipts', 500 + index * 15, 'completed', 0]
  const detail = reason === 'exited' ? `It exited with code ${exitCode}.` : 'It exited with code 0.'
  return {
    id: `i-run-${number}`,
    name: `run.${number}`,
    app: app.name,
    command,
    release: app.release ?? 1,
    state: reason === null ? 'placed' : 'ended',
    host: 'fra-1',
    actor: job === null ? 'ana@northwind.example' : 'clock',
    job,
    createdAt: at(minutes),
    timeoutSeconds: 3600,
    memoryMb: 512,
    cpuMilli: 1000,
    end: reason === null ? null : { at: at(minutes - 0.2), reason, exitCode, detail },
  }
}

/** @param appOf what somebody may see or change, by the path */
export function jobRoutes(appOf: (req: Request, act: 'read' | 'write') => AppView): Router {
  const router = Router()
  const made = new Map<string, Jobs>()
  const jobsOf = (app: AppView): Jobs => {
    const jobs = made.get(app.name) ?? (app.name === 'shop' ? makeJobs(app) : { runs: [], cron: [] })
    made.set(app.name, jobs)
    return jobs
  }
  const jobIn = (req: Request): CronJobView => {
    const job = jobsOf(appOf(req, 'write')).cron.find(({ name }) => name === req.params.job)
    if (!job) throw new Refusal(404, 'NOT_FOUND', 'There is no such job.')
    return job
  }

  router.get('/apps/:app/runs', (req, res) => {
    const { runs } = jobsOf(appOf(req, 'read'))
    const from = Number(queryOf(req, 'cursor') || 0)
    const next = from + PAGE < runs.length ? { next: String(from + PAGE) } : {}
    res.json({ runs: runs.slice(from, from + PAGE), ...next })
  })
  router.post('/apps/:app/runs', (req, res) => {
    const app = appOf(req, 'write')
    const { runs } = jobsOf(app)
    const { command } = req.body as { command: string }
    const run: RunView = { ...makeRun(app, runs.length + 2, 0), command, state: 'waiting', createdAt: at(0) }
    runs.unshift(run)
    res.status(201).json(run)
  })
  router.post('/apps/:app/runs/:run/stop', (req, res) => {
    const run = jobsOf(appOf(req, 'write')).runs.find(({ id }) => id === req.params.run)
    if (!run) throw new Refusal(404, 'NOT_FOUND', 'There is no such run.')
    run.state = 'ended'
    run.end = { at: at(0), reason: 'stopped', exitCode: null, detail: 'It was stopped by Ana Keller.' }
    res.status(202).json(run)
  })
  router.get('/apps/:app/cron', (req, res) => {
    const app = appOf(req, 'read')
    res.json({ app: app.name, halted: null, jobs: jobsOf(app).cron } satisfies CronView)
  })
  router.post('/apps/:app/cron/:job/run', (req, res) => {
    const job = jobIn(req)
    job.running = ['run.16']
    res.status(201).json(makeRun(appOf(req, 'write'), 16, 0))
  })
  router.post('/apps/:app/cron/:job/pause', (req, res) => {
    res.json(Object.assign(jobIn(req), { paused: { at: at(0), by: 'Ana Keller' }, nextAt: null }))
  })
  router.post('/apps/:app/cron/:job/resume', (req, res) => {
    res.json(Object.assign(jobIn(req), { paused: null, nextAt: at(-300) }))
  })
  return router
}
