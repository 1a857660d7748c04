/** The jobs of an app's clock: list, run one now, pause, resume. What they are stands in the code (app.json). */
import type { Request } from 'express'
import type { CronJobView, CronView } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import type { CronJob, CronPause, CronStanding } from '#core/domain/cron.ts'
import { jobUnderWay, notFound } from '#core/domain/errors.ts'
import { makeId, type InstanceId } from '#core/domain/ids.ts'
import type { Run } from '#core/domain/run.ts'
import { nextTick, parseSchedule } from '#core/domain/schedule.ts'
import { loadClocks, setCronPause } from '#core/store/cron.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadOpenRuns, loadRun } from '#core/store/runs.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { haltOfApp, loadJobs, openOf } from '../cron/facts.ts'
import { describeMissed } from '../cron/texts.ts'
import { eventOfApp } from '../events.ts'
import { requireRunning } from '../halted.ts'
import { noteRun, submitJobRun } from '../runs/submit.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { accountOf, type ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'
import { runView } from './views.ts'

export const cronRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/cron': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const halted = haltOfApp(app, await loadTenant(context.store, app.tenantId))
      const jobs = await viewsOf(app, await loadJobs(context.store, app), context)
      res.json({ app: app.name, halted: halted?.detail ?? null, jobs } satisfies CronView)
    },
  },
  '/apps/:app/cron/:job': {
    async GET(req, res) {
      const { app, job } = await jobIn(req, context)
      res.json(await viewOf(app, job, context))
    },
  },
  '/apps/:app/cron/:job/run': {
    async POST(req, res) {
      const { app, job } = await jobIn(req, context)
      await requireRunning(context.store, app, 'none of its jobs can be run')
      const run = await context.turns.run(accountOf(app.tenantId), () => runNow(app, job, callerOf(req).actor, context))
      context.wake()
      await noteRun(context.store, app, run, context.now())
      res.status(201).json(runView(app, run))
    },
  },
  '/apps/:app/cron/:job/pause': {
    async POST(req, res) {
      await change(req, { at: context.now(), by: callerOf(req).actor }, context)
      const { app, job } = await jobIn(req, context)
      res.json(await viewOf(app, job, context))
    },
  },
  '/apps/:app/cron/:job/resume': {
    async POST(req, res) {
      await change(req, null, context)
      const { app, job } = await jobIn(req, context)
      res.json(await viewOf(app, job, context))
    },
  },
})

/** @throws NOT_FOUND */
async function jobIn(req: Request, context: ApiContext): Promise<{ app: App; job: CronJob }> {
  const app = await appOf(req, context.store)
  const name = param(req, 'job')
  const job = (await loadJobs(context.store, app)).find((one) => one.name === name)
  if (!job) throw notFound('job', name)
  return { app, job }
}

/** @throws JOB_UNDER_WAY where it may not run twice at a time; NO_RELEASE, QUOTA_EXCEEDED */
async function runNow(app: App, job: CronJob, actor: string, { store, random, now, config }: ApiContext): Promise<Run> {
  const [running] = openOf(await loadOpenRuns(store), app.id, job, undefined)
  if (running && job.overlap !== 'allow') throw jobUnderWay(job.name, running.name, app.name)
  const id = makeId('i', random(13)) as InstanceId
  return submitJobRun(app, job, { id, tick: null, actor }, { store, now, maxTimeoutMs: config.runTimeoutMs })
}

/** Paused again, or resumed again, it stays as it is. */
async function change(req: Request, pause: CronPause | null, context: ApiContext): Promise<void> {
  const { store, now, log } = context
  const { app, job } = await jobIn(req, context)
  const before = (await loadClocks(store, app.id)).pauses.has(job.name)
  if (before === (pause !== null)) return
  await setCronPause(store, app.id, job.name, pause)
  const { actor } = callerOf(req)
  const text = pause ? `The job ${job.name} is paused: its runs are left out` : `The job ${job.name} runs again`
  log.info('job paused or resumed', { appId: app.id, job: job.name, paused: pause !== null, actor })
  await appendEvent(store, app.id, eventOfApp('cronChanged', text, actor, now()))
}

const viewOf = async (app: App, job: CronJob, context: ApiContext): Promise<CronJobView> => {
  const [view] = await viewsOf(app, [job], context)
  if (!view) throw notFound('job', job.name)
  return view
}

async function viewsOf(app: App, jobs: CronJob[], { store, now }: ApiContext): Promise<CronJobView[]> {
  if (jobs.length === 0) return []
  const [{ standings, pauses }, open] = await Promise.all([loadClocks(store, app.id), loadOpenRuns(store)])
  return Promise.all(
    jobs.map(async (job) => {
      const standing = standings.get(job.name) ?? null
      const last = standing?.last ? await loadRun(store, standing.last.run) : null
      const running = openOf(open, app.id, job, undefined).map(({ name }) => name)
      return jobView(app, job, { standing, pause: pauses.get(job.name) ?? null, last, running, now: now() })
    }),
  )
}

const iso = (ms: number): string => new Date(ms).toISOString()

type JobFacts = {
  standing: CronStanding | null
  pause: CronPause | null
  last: Run | null
  running: string[]
  now: number
}

function jobView(app: App, job: CronJob, { standing, pause, last, running, now }: JobFacts): CronJobView {
  const { name, command, schedule, timeoutMs, overlap } = job
  const parsed = parseSchedule(schedule)
  const next = parsed.ok && pause === null ? nextTick(parsed.schedule, now) : null
  const missed = standing?.missed ?? null
  return {
    name,
    command,
    schedule,
    timeoutSeconds: timeoutMs / 1000,
    overlap,
    problem: parsed.ok ? null : `its schedule cannot be read: ${parsed.problem}`,
    paused: pause && { at: iso(pause.at), by: pause.by },
    nextAt: next === null ? null : iso(next),
    last: standing?.last ? { at: iso(standing.last.tick), run: last && runView(app, last) } : null,
    missed: missed && {
      why: missed.why,
      text: describeMissed(name, missed),
      first: iso(missed.first),
      last: iso(missed.last),
      count: missed.count,
    },
    running,
  }
}
