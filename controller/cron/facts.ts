/** Reads what the clock of an app is decided on. */
import type { App } from '#core/domain/app.ts'
import type { CronJob, CronStanding } from '#core/domain/cron.ts'
import type { AppId, InstanceId } from '#core/domain/ids.ts'
import { processName } from '#core/domain/instance.ts'
import { suspensionOf, type Tenant } from '#core/domain/quota.ts'
import { sameTarget } from '#core/domain/release.ts'
import type { Run } from '#core/domain/run.ts'
import type { Store } from '#core/store/connection.ts'
import { forgetClocks, loadClocks } from '#core/store/cron.ts'
import { loadRelease } from '#core/store/releases.ts'
import { loadRun } from '#core/store/runs.ts'
import type { CronFacts } from './decide.ts'

/** The jobs of the release that serves. */
export const loadJobs = async (store: Store, { id, current }: App): Promise<CronJob[]> =>
  current === null ? [] : ((await loadRelease(store, id, current.release))?.slug.cron ?? [])

export type JobReader = {
  jobsOf(app: App): Promise<CronJob[]>
  /** Forgets what no app needs any more. */
  keep(apps: App[]): void
}

/** For who leads. Releases never change, so what is known of one is kept while it serves. */
export function createJobReader(store: Store): JobReader {
  const known = new Map<AppId, { release: number; jobs: CronJob[] }>()
  return {
    async jobsOf(app) {
      if (app.current === null) return []
      const { id, current } = app
      const before = known.get(id)
      if (before?.release === current.release) return before.jobs
      const jobs = await loadJobs(store, app)
      // Should a job of an old name come again, its clock begins anew.
      if (jobs.length === 0) await forgetClocks(store, id, [...(await loadClocks(store, id)).standings.keys()])
      known.set(id, { release: current.release, jobs })
      return jobs
    },
    keep(apps) {
      const ids = new Set(apps.map(({ id }) => id))
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    },
  }
}

/** Why nothing of an app may run now; null: it may. */
export function haltOfApp({ name, tenantId, paused }: App, tenant: Tenant | null): CronFacts['halted'] {
  const suspension = tenant && suspensionOf(tenant)
  if (suspension) return { why: 'suspended', detail: `${tenantId} is suspended (${suspension.reason})` }
  return paused ? { why: 'paused', detail: `${name} is paused` } : null
}

/** When the release that serves went live; a failed deploy since then changes nothing of that. */
export function liveSince({ current, rollout }: App): number {
  if (current === null) return 0
  return rollout?.state === 'done' && sameTarget(rollout.target, current) ? rollout.at : current.since
}

/** The runs of a job that are under way, but the one that is due itself. */
export const openOf = (runs: Run[], app: AppId, job: CronJob, due: InstanceId | undefined): CronFacts['open'] =>
  runs
    .filter(({ appId, cron, id, end }) => appId === app && cron?.job === job.name && id !== due && end === null)
    .map((run) => ({ id: run.id, name: processName(run) }))

/** Whether the run that a standing says is due has been made. */
export const isDueBegun = async (store: Store, standing: CronStanding | null): Promise<boolean> =>
  standing?.due ? (await loadRun(store, standing.due.run)) !== null : false
