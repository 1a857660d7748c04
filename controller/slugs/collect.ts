/**
 * Collects layers that nothing needs: by ownership, never by age alone. A layer stays while one release of one app is to
 * be kept that has it, while a deploy under way or a stack has it, and for a while after a builder has asked for it. What
 * nothing needs is condemned first and deleted in a later round, so that a rollback that was just asked for still finds it.
 */
import type { AppId, LayerDigest } from '#core/domain/ids.ts'
import { isOver, type Deploy, type Release } from '#core/domain/release.ts'
import type { Slug } from '#core/domain/slug.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { loadBuildReport, loadDeploy, loadOpenDeploys } from '#core/store/deploys.ts'
import { loadInstances } from '#core/store/instances.ts'
import { isHeld } from '#core/store/leases.ts'
import { condemn, forgetCondemned, loadCondemned, loadWanted, saveCollected, takeLayer } from '#core/store/layers.ts'
import { loadReleases } from '#core/store/releases.ts'
import { loadOpenRuns } from '#core/store/runs.ts'
import { loadStacks } from '#core/store/stacks.ts'
import type { Layers } from '../layers.ts'
import { BACKUP_LEASE } from '../backup/write.ts'
import { collectedReleases, keptReleases, slugKey } from './keep.ts'

export type CollectContext = {
  store: Store
  config: Pick<Config, 'keepReleases' | 'buildTimeoutMs'>
  log: Log
  layers: Pick<Layers, 'list' | 'remove'>
  now: () => number
}

const EVERY_MS = 10 * 60_000
/** Longer than any deploy takes from being asked for to being written down. */
const GRACE_MS = 10 * 60_000
/** While one release takes the place of another; more of them make what is kept for rollbacks smaller, never what runs. */
const MAX_SLUGS_IN_USE = 4

/** Until the signal; the reconciler's leader does it, so one controller at a time. */
export const keepCollecting = (context: CollectContext, signal: AbortSignal): Promise<void> =>
  repeat(
    EVERY_MS,
    // Whoever makes a backup reads what the state of a while ago refers to.
    async () => void ((await isHeld(context.store, BACKUP_LEASE)) || (await collect(context, GRACE_MS))),
    signal,
    (error) => context.log.warn('slugs not collected', { error }),
  )

export type Collected = { kept: number; condemned: number; deleted: number; deletedBytes: number }

/** One round. @param graceMs how long a layer is condemned before it is deleted */
export async function collect(context: CollectContext, graceMs: number): Promise<Collected> {
  const { store, config, log, layers, now } = context
  // The list comes first: what arrives later is not in it, whatever is needed is read after it.
  const stored = new Map<LayerDigest, number>()
  for await (const { digest, bytes } of layers.list()) stored.set(digest, bytes)
  const wantedSince = now() - config.buildTimeoutMs - graceMs
  const needed = await neededLayers(context, wantedSince)
  for (const digest of await loadCondemned(store)) if (needed.has(digest)) await forgetCondemned(store, digest)

  const collected: Collected = { kept: 0, condemned: 0, deleted: 0, deletedBytes: 0 }
  for (const [digest, bytes] of stored) {
    if (needed.has(digest)) {
      collected.kept += 1
      continue
    }
    await condemn(store, digest, now())
    const mine = await takeLayer(store, digest, { before: now() - graceMs, wantedBefore: wantedSince })
    if (!mine) {
      collected.condemned += 1
      continue
    }
    await layers.remove(digest)
    await forgetCondemned(store, digest)
    collected.deleted += 1
    collected.deletedBytes += bytes
  }
  // What a collector that was killed had deleted already.
  for (const digest of await loadCondemned(store)) if (!stored.has(digest)) await forgetCondemned(store, digest)
  if (collected.deleted > 0) log.info('slugs collected', { ...collected })
  return collected
}

async function neededLayers({ store, config }: CollectContext, wantedSince: number): Promise<Set<LayerDigest>> {
  const needed = await loadWanted(store, wantedSince)
  const add = ({ layers }: Pick<Slug, 'layers'>) => layers.forEach(({ digest }) => needed.add(digest))
  // A deploy that ends while this runs has made its release by then, so deploys are read before releases.
  const open = await loadOpenDeploys(store)
  for (const deploy of open) {
    const report = await loadBuildReport(store, deploy)
    if (report?.state === 'succeeded') add(report.slug)
  }
  for (const { report } of await loadStacks(store)) if (report?.state === 'built') needed.add(report.digest)
  const used = await releasesInUse(store, open)
  const histories: { id: AppId; releases: Release[] }[] = []
  for (const { id, target, current } of await loadApps(store)) {
    const releases = await loadReleases(store, id)
    const inUse = new Set([...(used.get(id) ?? []), ...[target, current].flatMap((one) => (one ? [one.release] : []))])
    const kept = keptReleases(releases, {
      inUse,
      live: await wentLive(store, releases, config.keepReleases),
      keep: config.keepReleases,
    })
    for (const { version, slug } of releases) if (kept.has(version)) add(slug)
    histories.push({ id, releases })
  }
  // Only now it is known what all apps together keep: a layer stays for all while one needs it.
  for (const { id, releases } of histories) await saveCollected(store, id, collectedReleases(releases, needed))
  return needed
}

/** By app: the releases that instances and one-off runs have, and those that deploys take code from. */
async function releasesInUse(store: Store, open: Deploy[]): Promise<Map<AppId, Set<number>>> {
  const used = new Map<AppId, Set<number>>()
  const add = (app: AppId, release: number | null) => {
    if (release !== null) used.set(app, (used.get(app) ?? new Set()).add(release))
  }
  for (const { desired } of await loadInstances(store)) add(desired.appId, desired.release)
  for (const { appId, release } of await loadOpenRuns(store)) add(appId, release)
  for (const deploy of open.filter((one) => !isOver(one))) {
    add(deploy.appId, deploy.fromRelease)
    add(deploy.appId, deploy.release)
  }
  return used
}

/** Those that have gone live, looked for from the newest on until there are enough of them. */
async function wentLive(store: Store, releases: Release[], keep: number): Promise<Set<number>> {
  const live = new Set<number>()
  const slugs = new Set<string>()
  for (const { version, deployId, slug } of releases.toReversed()) {
    // The slugs in use are not counted, and they may be among the first.
    if (slugs.size > keep + MAX_SLUGS_IN_USE) break
    if ((await loadDeploy(store, deployId))?.state !== 'succeeded') continue
    live.add(version)
    slugs.add(slugKey(slug))
  }
  return live
}
