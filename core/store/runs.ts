import type { AppId, HostId, InstanceId } from '../domain/ids.ts'
import type { Desired } from '../domain/instance.ts'
import type { Run, RunEnd, RunRecord } from '../domain/run.ts'
import { announce, pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'
import { unlessMoved } from './promises.ts'

const KEEP_RUNS = 200
const KEEP_SECONDS = 30 * 24 * 3600

/**
 * From here on the run is accepted: it will be run once, or reported not to have been. Asked again for the same id, it
 * answers the same number.
 * @param promises what `loadPromises` answered before it was decided; null: it takes nothing of the tenant's plan
 * @returns its number, or null when the app is gone
 * @throws PromisesMoved
 */
export async function createRun(
  store: Store,
  run: Omit<RunRecord, 'number'>,
  promises: number | null,
): Promise<number | null> {
  const number = await store.createRun(
    keys.run(run.id),
    keys.app(run.appId),
    keys.appRuns(run.appId),
    keys.openRuns,
    keys.runCounter(run.appId),
    keys.promises(run.tenantId),
    run.id,
    pack(run),
    KEEP_RUNS,
    promises ?? '',
  )
  if (unlessMoved(number, -2) === -1) return null
  await announce(store, 'changed')
  return number as number
}

/** @returns false when it is gone, over, to be stopped, or was placed before */
export async function placeRun(store: Store, desired: Desired): Promise<boolean> {
  const { id, hostId } = desired
  const placed = await store.placeRun(
    keys.run(id),
    keys.instance(id),
    keys.instances,
    keys.hostInstances(hostId),
    id,
    hostId,
    pack(desired),
  )
  return placed === 1
}

/** @returns false when it is gone or over */
export async function stopRun(store: Store, id: InstanceId, stop: NonNullable<Run['stop']>): Promise<boolean> {
  const noted = (await store.stopRun(keys.run(id), pack(stop))) === 1
  if (noted) await announce(store, 'changed')
  return noted
}

/** @returns false when it is gone or has an end */
export async function endRun(store: Store, id: InstanceId, end: RunEnd): Promise<boolean> {
  return (await store.endRun(keys.run(id), keys.openRuns, id, pack(end), KEEP_SECONDS)) === 1
}

export async function loadRun(store: Store, id: InstanceId): Promise<Run | null> {
  return toRun(await store.hgetall(keys.run(id)))
}

/** Of all apps, those that are not over. */
export async function loadOpenRuns(store: Store): Promise<Run[]> {
  return (await loadAll(store, await store.smembers(keys.openRuns))).filter(({ end }) => end === null)
}

/** An app's, the newest first. */
export async function loadRuns(store: Store, app: AppId): Promise<Run[]> {
  return loadAll(store, await store.lrange(keys.appRuns(app), 0, -1))
}

async function loadAll(store: Store, ids: string[]): Promise<Run[]> {
  const runs = await Promise.all(ids.map((id) => loadRun(store, id as InstanceId)))
  return runs.filter((run) => run !== null)
}

function toRun(fields: Record<string, string>): Run | null {
  const record = unpack<RunRecord>(fields['record'])
  return (
    record && {
      ...record,
      // What an earlier version wrote lacks the newer field.
      cron: (record as Partial<RunRecord>).cron ?? null,
      host: (fields['host'] as HostId | undefined) ?? null,
      stop: unpack<NonNullable<Run['stop']>>(fields['stop']),
      end: unpack<RunEnd>(fields['end']),
    }
  )
}
