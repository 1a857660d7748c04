/** Accepts one-off runs: from here on, each is run once or reported not to have been. */
import { processOf, type App } from '#core/domain/app.ts'
import { badRequest, noRelease, notFound } from '#core/domain/errors.ts'
import type { CronJob } from '#core/domain/cron.ts'
import { makeId, type DeployId, type InstanceId, type ProcessType } from '#core/domain/ids.ts'
import { processName } from '#core/domain/instance.ts'
import { planOf, usualSize } from '#core/domain/quota.ts'
import { RELEASE_PROCESS, type Release } from '#core/domain/release.ts'
import { DEFAULT_RUN_TIMEOUT_MS, RELEASE_TIMEOUT_MS, RUN_PROCESS, type Run, type RunRecord } from '#core/domain/run.ts'
import type { CreateRun } from '#core/contract/api.ts'
import type { Store } from '#core/store/connection.ts'
import { appendLogs } from '#core/store/logs.ts'
import { loadPlans } from '#core/store/plans.ts'
import { createRun, loadRun } from '#core/store/runs.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { promising, requireRoomForRun, type Account } from '../quota.ts'
import type { Sealer } from '../secrets.ts'

export type SubmitContext = {
  store: Store
  sealer: Sealer
  random: (bytes: number) => Uint8Array
  now: () => number
  /** The longest that a run may ask for. */
  maxTimeoutMs: number
}

/**
 * A run of the release that serves, in the room that the tenant's plan has left.
 * @throws NO_RELEASE, QUOTA_EXCEEDED, BAD_REQUEST, NOT_FOUND
 */
export async function submitRun(app: App, wish: CreateRun, actor: string, context: SubmitContext): Promise<Run> {
  const { store, random, now } = context
  const release = app.current?.release
  if (release === undefined) throw noRelease(app.name)
  const id = makeId('i', random(13)) as InstanceId
  const timeoutMs = timeoutOf(wish, context.maxTimeoutMs)
  const env = seal(app, wish.env ?? {}, context.sealer)
  const streams = wish.attach ?? 'log'
  const made = await promising(store, app.tenantId, (account) => {
    const size = sizeOf(account, app, wish)
    requireRoomForRun(account, size, `Another run of ${app.name}`)
    return createRun(
      store,
      {
        id,
        appId: app.id,
        tenantId: app.tenantId,
        processType: RUN_PROCESS,
        release,
        command: wish.command,
        env,
        size,
        timeoutMs,
        streams,
        window: wish.window ?? null,
        deploy: null,
        actor,
        createdAt: now(),
        cron: null,
      },
      account.promises,
    )
  })
  return found(made === null ? null : await loadRun(store, id), app)
}

/**
 * A run of a job of the app's clock, by the release that serves; asked again for the same id, it is the same run.
 * @param cron its tick, ms since 1970; null: somebody wants it now
 * @throws NO_RELEASE, QUOTA_EXCEEDED, NOT_FOUND
 */
export async function submitJobRun(
  app: App,
  job: CronJob,
  { id, tick, actor }: { id: InstanceId; tick: number | null; actor: string },
  { store, now, maxTimeoutMs }: Pick<SubmitContext, 'store' | 'now' | 'maxTimeoutMs'>,
): Promise<Run> {
  const known = await loadRun(store, id)
  if (known) return known
  const release = app.current?.release
  if (release === undefined) throw noRelease(app.name)
  await promising(store, app.tenantId, (account) => {
    const size = usualSize(account.plan)
    requireRoomForRun(account, size, `A run of the job ${job.name} of ${app.name}`)
    return createRun(
      store,
      {
        id,
        appId: app.id,
        tenantId: app.tenantId,
        processType: RUN_PROCESS,
        release,
        command: job.command,
        env: {},
        size,
        timeoutMs: Math.min(job.timeoutMs, maxTimeoutMs),
        streams: 'log',
        window: null,
        deploy: null,
        actor,
        createdAt: now(),
        cron: { job: job.name, tick },
      },
      account.promises,
    )
  })
  return found(await loadRun(store, id), app)
}

/** Whoever reads the app's log later finds what was run in it, and by whom. */
export async function noteRun(store: Store, app: App, run: Run, now: number): Promise<void> {
  const line = `Starting process with command \`${run.command}\` by ${run.actor}`
  await appendLogs(store, app.id, [{ at: new Date(now).toISOString(), source: 'platform', ps: processName(run), line }])
}

function timeoutOf({ timeoutSeconds }: CreateRun, maxTimeoutMs: number): number {
  if (timeoutSeconds === undefined) return Math.min(DEFAULT_RUN_TIMEOUT_MS, maxTimeoutMs)
  if (timeoutSeconds * 1000 > maxTimeoutMs)
    throw badRequest(`A run may take ${maxTimeoutMs / 1000} s at most here, and this one asks for ${timeoutSeconds} s.`)
  return timeoutSeconds * 1000
}

/** That of the process type that was named, or the usual one; then what was asked for. */
function sizeOf({ plan }: Account, app: App, { process, memoryMb, cpuMilli }: CreateRun): RunRecord['size'] {
  const base = (process && processOf(app.formation, process)?.size) || usualSize(plan)
  return { ...base, memoryMb: memoryMb ?? base.memoryMb, cpuMilli: cpuMilli ?? base.cpuMilli }
}

const seal = (app: App, env: Record<string, string>, sealer: Sealer) =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, sealer.seal(app.id, name, value)]))

function found(run: Run | null, app: App): Run {
  if (!run) throw notFound('app', app.name)
  return run
}

/**
 * The release command of a release that does not serve yet, or another that belongs to its deploy. Part of a deploy, it is
 * beside the plan like its build; asked again for the same id, it is the same run.
 * @returns null when the app is gone
 */
export async function submitReleaseRun(
  store: Store,
  app: App,
  release: Release,
  order: { id: InstanceId; deploy: DeployId; now: number; process?: { type: ProcessType; command: string } },
): Promise<Run | null> {
  const { id, deploy, now } = order
  const process = order.process ?? { type: RELEASE_PROCESS, command: release.slug.processes[RELEASE_PROCESS] ?? '' }
  const [tenant, plans] = await Promise.all([loadTenant(store, app.tenantId), loadPlans(store)])
  await createRun(
    store,
    {
      id,
      appId: app.id,
      tenantId: app.tenantId,
      processType: process.type,
      release: release.version,
      command: process.command,
      env: {},
      size: processOf(app.formation, 'web' as ProcessType)?.size ?? usualSize(planOf(plans, tenant)),
      timeoutMs: RELEASE_TIMEOUT_MS,
      streams: 'log',
      window: null,
      deploy,
      actor: release.actor,
      createdAt: now,
      cron: null,
    },
    null,
  )
  return loadRun(store, id)
}
