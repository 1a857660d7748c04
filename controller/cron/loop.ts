/**
 * The clock of all apps: begins each job's runs when they are due. It goes where the reconciler leads, so in one controller
 * at a time; what it has begun stands in the store, so that no tick is run twice whoever leads (decide.ts).
 */
import type { App } from '#core/domain/app.ts'
import type { CronJob, CronStanding, DueRun } from '#core/domain/cron.ts'
import { BerthError } from '#core/domain/errors.ts'
import { makeId, type InstanceId } from '#core/domain/ids.ts'
import type { Tenant } from '#core/domain/quota.ts'
import type { Run } from '#core/domain/run.ts'
import { nextTick, parseSchedule } from '#core/domain/schedule.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { advanceClock, forgetClocks, loadClocks } from '#core/store/cron.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadOpenRuns, stopRun } from '#core/store/runs.ts'
import { loadTenants } from '#core/store/tenants.ts'
import { eventOfApp } from '../events.ts'
import { noteRun, submitJobRun } from '../runs/submit.ts'
import { begun, decide, refused, type CronDecision } from './decide.ts'
import { createJobReader, haltOfApp, isDueBegun, liveSince, openOf, type JobReader } from './facts.ts'
import { describeMissed } from './texts.ts'

export type CronContext = {
  store: Store
  config: Pick<Config, 'runTimeoutMs'>
  log: Log
  random: (bytes: number) => Uint8Array
  now: () => number
  /** Tells the reconciler to look now. */
  wake: () => void
}

/** A release that goes live between two looks brings its jobs by the next one. */
const LOOK_EVERY_MS = 5_000
/** While a run waits for the one that it replaces, or the store could not be reached. */
const LOOK_AGAIN_MS = 500

/** @param held aborts when this process leads no more */
export async function watchClocks(context: CronContext, held: AbortSignal): Promise<void> {
  const jobs = createJobReader(context.store)
  while (!held.aborted) {
    const nextAt = await lookAtClocks(context, jobs, held).catch((error: unknown) => {
      if (!held.aborted) context.log.warn('clocks not looked at', { error })
      return context.now() + LOOK_AGAIN_MS
    })
    await sleep(Math.min(LOOK_EVERY_MS, Math.max(1, nextAt - context.now())), held)
  }
}

/** Once: each job of each app. @returns when something is due next, ms since 1970 */
export async function lookAtClocks(context: CronContext, reader: JobReader, held: AbortSignal): Promise<number> {
  const { store, now } = context
  const apps = await loadApps(store)
  reader.keep(apps)
  let nextAt = Infinity
  let shared: { tenants: Tenant[]; runs: Run[] } | null = null
  for (const app of apps) {
    const jobs = await reader.jobsOf(app)
    if (jobs.length === 0 || held.aborted) continue
    shared ??= { tenants: await loadTenants(store), runs: await loadOpenRuns(store) }
    const tenant = shared.tenants.find(({ id }) => id === app.tenantId) ?? null
    nextAt = Math.min(nextAt, await lookAtApp(context, { app, jobs, tenant, runs: shared.runs }, held))
  }
  return Math.min(nextAt, now() + LOOK_EVERY_MS)
}

type AppFacts = { app: App; jobs: CronJob[]; tenant: Tenant | null; runs: Run[] }

async function lookAtApp(context: CronContext, facts: AppFacts, held: AbortSignal): Promise<number> {
  const { store, log } = context
  const { app, jobs } = facts
  const { standings, pauses } = await loadClocks(store, app.id)
  await forgetClocks(
    store,
    app.id,
    [...standings.keys()].filter((name) => !jobs.some((job) => job.name === name)),
  )
  let nextAt = Infinity
  for (const job of jobs) {
    if (held.aborted) break
    try {
      const standing = standings.get(job.name) ?? null
      nextAt = Math.min(nextAt, await lookAtJob(context, facts, job, standing, pauses.has(job.name)))
    } catch (error) {
      log.warn('clock not looked at', { appId: app.id, job: job.name, error })
      nextAt = context.now() + LOOK_AGAIN_MS
    }
  }
  return nextAt
}

async function lookAtJob(
  context: CronContext,
  { app, tenant, runs }: AppFacts,
  job: CronJob,
  read: CronStanding | null,
  isPaused: boolean,
): Promise<number> {
  const { store, random } = context
  const parsed = parseSchedule(job.schedule)
  // Said by `berth cron`, and by the build before that.
  if (!parsed.ok) return Infinity
  const now = context.now()
  const decision = decide(job, parsed.schedule, read, {
    now,
    liveSince: liveSince(app),
    isPaused,
    halted: haltOfApp(app, tenant),
    open: openOf(runs, app.id, job, read?.due?.run),
    isBegun: await isDueBegun(store, read),
    nextId: makeId('i', random(13)) as InstanceId,
  })
  if (await keep(context, app, job, read, decision)) await act(context, app, job, decision)
  return decision.stop.length > 0 ? now + LOOK_AGAIN_MS : (nextTick(parsed.schedule, now) ?? Infinity)
}

/** What was decided is written down before it is done. @returns false when another controller was faster */
async function keep(
  { store, now, log }: CronContext,
  app: App,
  job: CronJob,
  read: CronStanding | null,
  { standing, news }: CronDecision,
): Promise<boolean> {
  if (news) {
    const kind = news.why === 'overlap' ? 'cronSkipped' : 'cronMissed'
    log.info('ticks not run', { appId: app.id, job: job.name, why: news.why, count: news.count })
    // Before it is written, so that a controller that is killed in between says it twice rather than never.
    await appendEvent(store, app.id, eventOfApp(kind, describeMissed(job.name, news), null, now()))
  }
  if (read !== null && JSON.stringify(read) === JSON.stringify(standing)) return true
  return advanceClock(store, app.id, job.name, read, standing)
}

async function act(
  context: CronContext,
  app: App,
  job: CronJob,
  { standing, stop, begin }: CronDecision,
): Promise<void> {
  const { store, now, wake } = context
  for (const id of stop) await stopRun(store, id, { at: now(), by: `the next run of ${job.name}` })
  if (stop.length > 0) wake()
  if (begin) await beginRun(context, app, job, standing, begin)
}

async function beginRun(
  context: CronContext,
  app: App,
  job: CronJob,
  standing: CronStanding,
  due: DueRun,
): Promise<void> {
  const { store, config, log, now, wake } = context
  try {
    const wish = { id: due.run, tick: due.tick, actor: `cron:${job.name}` }
    const run = await submitJobRun(app, job, wish, { store, now, maxTimeoutMs: config.runTimeoutMs })
    wake()
    await noteRun(store, app, run, now())
    await advanceClock(store, app.id, job.name, standing, begun(standing, due))
    log.info('run of a job begun', { appId: app.id, job: job.name, run: run.id, lateMs: now() - due.tick })
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== 'QUOTA_EXCEEDED') throw error
    await keep(context, app, job, standing, refused(standing, due, 'quota', error.message))
  }
}
