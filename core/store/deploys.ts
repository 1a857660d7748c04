import type { AppId, DeployId, HostId } from '../domain/ids.ts'
import { emptyManifest } from '../domain/manifest.ts'
import { cancelledBy, isOver, type BuildReport, type Cancel, type Deploy } from '../domain/release.ts'
import { announce, pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

const KEEP_DEPLOYS = 100
const KEEP_LOG_SECONDS = 30 * 24 * 3600
const MAX_LOG_LINES = 20_000
/** Longer than a deploy may take after its build. */
const KEEP_REPORT_SECONDS = 7 * 24 * 3600
/** Longer than a deploy may take. */
const RECENT_MS = 24 * 3600_000

/**
 * From here on the deploy is accepted: whatever is killed, it will be finished or reported failed. The oldest of an app
 * that has many is forgotten, with its output.
 */
export async function createDeploy(store: Store, deploy: Deploy): Promise<void> {
  const list = keys.appDeploys(deploy.appId)
  const forgotten = (await store.lrange(list, KEEP_DEPLOYS - 1, -1)) as DeployId[]
  await store
    .multi()
    .hset(keys.deploy(deploy.id), 'record', pack(deploy), 'buildEpoch', deploy.buildEpoch)
    .lpush(list, deploy.id)
    .ltrim(list, 0, KEEP_DEPLOYS - 1)
    .sadd(keys.openDeploys, deploy.id)
    .zadd(keys.recentDeploys, deploy.createdAt, deploy.id)
    .zremrangebyscore(keys.recentDeploys, 0, deploy.createdAt - RECENT_MS)
    .srem(keys.openDeploys, '', ...forgotten)
    .del(keys.deploy('' as DeployId), ...forgotten.flatMap((id) => [keys.deploy(id), keys.deployLog(id)]))
    .exec()
}

/**
 * Only the controller that runs the deploy writes it, until it is over.
 * @returns false when it is over already, or gone
 */
export async function saveDeploy(store: Store, deploy: Deploy): Promise<boolean> {
  const saved = await store.saveDeploy(
    keys.deploy(deploy.id),
    keys.openDeploys,
    keys.deployLog(deploy.id),
    deploy.id,
    pack(deploy),
    deploy.buildEpoch,
    isOver(deploy) ? KEEP_LOG_SECONDS : 0,
  )
  return saved === 1
}

/**
 * Notes that somebody wants a deploy ended. One that nobody works on yet ends here and now; what works on one looks for
 * the note.
 * @param deploy as it was read last
 * @returns `over`: it is over, or gone; `ended`: it did not begin; `noted`: it ends as soon as that is seen
 */
export async function cancelDeploy(store: Store, deploy: Deploy, cancel: Cancel): Promise<'over' | 'noted' | 'ended'> {
  const why = cancelledBy(cancel)
  const ended: Deploy = { ...deploy, state: 'cancelled', error: why, endedAt: cancel.at }
  const answer = (await store.cancelDeploy(
    keys.deploy(deploy.id),
    keys.openDeploys,
    keys.deployLog(deploy.id),
    deploy.id,
    pack(cancel),
    pack(ended),
    ` !     ${why}`,
    KEEP_LOG_SECONDS,
  )) as number
  if (answer !== 0) await announce(store, 'changed')
  return (['over', 'noted', 'ended'] as const)[answer] ?? 'over'
}

/** @returns who wants it ended; null: nobody */
export async function loadCancel(store: Store, id: DeployId): Promise<Cancel | null> {
  return unpack<Cancel>(await store.hget(keys.deploy(id), 'cancel'))
}

export async function loadDeploy(store: Store, id: DeployId): Promise<Deploy | null> {
  return toDeploy(await store.hget(keys.deploy(id), 'record'))
}

export function toDeploy(record: string | null | undefined): Deploy | null {
  const stored = unpack<Deploy>(record)
  // What an earlier version wrote lacks the newer fields.
  return (
    stored && {
      ...stored,
      releaseRun: stored.releaseRun ?? null,
      postdeployRun: stored.postdeployRun ?? null,
      startedAt: stored.startedAt ?? null,
      phases: stored.phases ?? [],
    }
  )
}

/** Newest first. */
export async function loadDeploys(store: Store, app: AppId, limit: number): Promise<Deploy[]> {
  const ids = await store.lrange(keys.appDeploys(app), 0, limit - 1)
  const deploys = await Promise.all(ids.map((id) => loadDeploy(store, id as DeployId)))
  return deploys.filter((deploy) => deploy !== null)
}

/** Newest first: those older than one, or from the newest on. None where that one is not of the app's. */
export async function loadDeploysAfter(
  store: Store,
  app: AppId,
  after: DeployId | null,
  limit: number,
): Promise<Deploy[]> {
  const there = after === null ? -1 : await store.lpos(keys.appDeploys(app), after)
  if (there === null) return []
  const ids = await store.lrange(keys.appDeploys(app), there + 1, there + limit)
  const deploys = await Promise.all(ids.map((id) => loadDeploy(store, id as DeployId)))
  return deploys.filter((deploy) => deploy !== null)
}

export async function loadOpenDeploys(store: Store): Promise<Deploy[]> {
  const ids = await store.smembers(keys.openDeploys)
  const deploys = await Promise.all(ids.map((id) => loadDeploy(store, id as DeployId)))
  return deploys.filter((deploy) => deploy !== null)
}

/** Puts a build on a host's list, which the host's sync reads. */
export async function assignBuild(store: Store, host: HostId, deploy: DeployId): Promise<void> {
  await store.sadd(keys.hostBuilds(host), deploy)
}

export async function unassignBuild(store: Store, host: HostId, deploy: DeployId): Promise<void> {
  await store.srem(keys.hostBuilds(host), deploy)
}

export async function loadAssignedBuilds(store: Store, host: HostId): Promise<Deploy[]> {
  const ids = await store.smembers(keys.hostBuilds(host))
  const deploys = await Promise.all(ids.map((id) => loadDeploy(store, id as DeployId)))
  return deploys.filter((deploy) => deploy !== null)
}

/** @returns false when the report came too late: the deploy is gone, over, or built in a newer epoch */
export async function reportBuild(store: Store, host: HostId, id: DeployId, report: BuildReport): Promise<boolean> {
  const key = keys.hostBuild(host, id)
  const taken = (await store.reportBuild(key, keys.deploy(id), report.epoch, pack(report), KEEP_REPORT_SECONDS)) === 1
  if (taken) await announce(store, 'changed')
  return taken
}

/** That of the host that builds it: nobody else's word counts. */
export async function loadBuildReport(
  store: Store,
  { id, buildHost }: Pick<Deploy, 'id' | 'buildHost'>,
): Promise<BuildReport | null> {
  if (buildHost === null) return null
  const report = unpack<BuildReport>(await store.get(keys.hostBuild(buildHost as HostId, id)))
  // That of an older agent has none.
  return report?.state === 'succeeded' ? { ...report, manifest: report.manifest ?? emptyManifest } : report
}

export async function appendDeployLog(store: Store, id: DeployId, lines: string[]): Promise<void> {
  if (lines.length === 0) return
  const pipeline = store.pipeline()
  for (const line of lines) pipeline.xadd(keys.deployLog(id), 'MAXLEN', '~', MAX_LOG_LINES, '*', 'line', line)
  await pipeline.exec()
}

/** @param after the `next` of an earlier read, or `0` */
export async function readDeployLog(
  store: Store,
  id: DeployId,
  after: string,
): Promise<{ lines: string[]; next: string }> {
  const rows = await store.xrange(keys.deployLog(id), after === '0' ? '-' : `(${after}`, '+', 'COUNT', 1000)
  return { lines: rows.map(([, fields]) => fields[1] ?? ''), next: rows.at(-1)?.[0] ?? after }
}
