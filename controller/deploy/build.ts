/** The first step of a deploy: its slug. A push builds one on a host; the other kinds release one again. */
import { HOST_LEASE_MS } from '#core/domain/host.ts'
import { tenantSuspended } from '#core/domain/errors.ts'
import type { HostId } from '#core/domain/ids.ts'
import { suspensionOf } from '#core/domain/quota.ts'
import { isBuilt, type PhaseTime } from '#core/domain/release.ts'
import type { Slug } from '#core/domain/slug.ts'
import { loadApp } from '#core/store/apps.ts'
import { assignBuild, loadBuildReport, loadOpenDeploys, unassignBuild } from '#core/store/deploys.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadRelease } from '#core/store/releases.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { placeBuild } from '../placement/placement.ts'
import { openRooms } from '../placement/room.ts'
import { seconds, type Outcome, type Walk } from './walk.ts'

const LOOK_EVERY_MS = 100
const LOOK_AT_HOST_EVERY_MS = 1_000
const HOST_WAIT_MS = 60_000
/** How long a build may wait for its turn on the host that it was given to. */
const QUEUE_WAIT_MS = 60 * 60_000
/** The agent ends a build that takes too long; this is for an agent that does not. */
const AFTER_TIMEOUT_MS = 2 * 60_000
const MAX_HOSTS = 2

export async function build(walk: Walk): Promise<Outcome<Slug>> {
  if (!isBuilt(walk.deploy)) return earlierSlug(walk)
  let began = walk.context.now()
  for (;;) {
    if (walk.deploy.buildHost === null) {
      const chosen = await chooseHost(walk)
      if (!chosen.ok) return chosen
      began = walk.context.now()
    }
    const hostId = walk.deploy.buildHost as HostId
    await assign(walk, hostId)
    const end = await awaitBuild(walk, hostId)
    await walk.reach(() => unassignBuild(walk.context.store, hostId, walk.deploy.id))
    switch (end.kind) {
      case 'succeeded':
        await walk.say(`       built in ${seconds(walk.context.now() - began)}`)
        walk.took(...end.phases)
        return { ok: true, value: end.slug }
      case 'failed':
        walk.took(...end.phases)
        return { ok: false, why: end.error }
      case 'hostLost':
        if (walk.deploy.buildEpoch >= MAX_HOSTS)
          return { ok: false, why: `The hosts that built were lost, the last one was ${hostId}. Push again.` }
        await walk.say(`       ${hostId} was lost; building again on another host`)
        await walk.save({ buildHost: null })
    }
  }
}

async function earlierSlug({ context: { store }, deploy, reach }: Walk): Promise<Outcome<Slug>> {
  const version = deploy.fromRelease ?? (await reach(() => loadApp(store, deploy.appId)))?.target?.release ?? 0
  const release = await reach(() => loadRelease(store, deploy.appId, version))
  return release
    ? { ok: true, value: release.slug }
    : { ok: false, why: 'There is no release yet whose code could be used. Push code first.' }
}

/** Chooses a host and writes it down, with an epoch that outdates all builds of this deploy before. */
async function chooseHost(walk: Walk): Promise<Outcome<HostId>> {
  const { store, now } = walk.context
  const began = now()
  for (let tries = 0; now() - began <= HOST_WAIT_MS; tries++) {
    const hostId = await walk.reach(async () => {
      const [hosts, instances, open] = await Promise.all([
        loadHosts(store),
        loadInstances(store),
        loadOpenDeploys(store),
      ])
      const builds = new Map<HostId, number>()
      for (const { state, buildHost } of open) {
        const id = buildHost as HostId | null
        if (state === 'building' && id !== null) builds.set(id, (builds.get(id) ?? 0) + 1)
      }
      return placeBuild(openRooms(hosts, instances), builds)
    })
    if (hostId !== null) {
      await walk.save({ state: 'building', buildHost: hostId, buildEpoch: walk.deploy.buildEpoch + 1, startedAt: null })
      await walk.say(`-----> Building on ${hostId}`)
      return { ok: true, value: hostId }
    }
    if (tries === 0) await walk.say('       waiting for a host: all are down or cordoned')
    await walk.pause(LOOK_AT_HOST_EVERY_MS)
  }
  return {
    ok: false,
    why: `No host took the build within ${HOST_WAIT_MS / 1000} s: all are down or cordoned. Push again when one is back.`,
  }
}

/** May run twice: the list is a set, and the agent knows a build that it has. */
async function assign({ context: { store, queues, log }, deploy, reach }: Walk, hostId: HostId): Promise<void> {
  await reach(() => assignBuild(store, hostId, deploy.id))
  queues
    .send(hostId, { kind: 'build', deployId: deploy.id, epoch: deploy.buildEpoch })
    .catch((error: unknown) => log.debug('job not queued', { host: hostId, deploy: deploy.id, error }))
}

type BuildEnd =
  | { kind: 'succeeded'; slug: Slug; phases: PhaseTime[] }
  | { kind: 'failed'; error: string; phases: PhaseTime[] }
  | { kind: 'hostLost' }

async function awaitBuild(walk: Walk, hostId: HostId): Promise<BuildEnd> {
  const { store, now, config } = walk.context
  const { buildEpoch } = walk.deploy
  const began = now()
  const isLost = watchHost(walk, hostId)
  const suspension = watchTenant(walk)
  let runningSince: number | null = null
  for (;;) {
    const report = await walk.reach(() => loadBuildReport(store, walk.deploy))
    if (report?.epoch === buildEpoch) {
      const phases = report.state === 'running' ? [] : (report.phases ?? [])
      if (report.state === 'succeeded') return { kind: 'succeeded', slug: report.slug, phases }
      if (report.state === 'failed') return { kind: 'failed', error: report.error, phases }
      runningSince ??= now()
      if (walk.deploy.startedAt === null) await walk.save({ startedAt: report.at })
    }
    if (await isLost()) return { kind: 'hostLost' }
    const reason = await suspension()
    if (reason !== null) return { kind: 'failed', error: `The build was ended: ${reason}`, phases: [] }
    const limit = runningSince === null ? QUEUE_WAIT_MS : config.buildTimeoutMs + AFTER_TIMEOUT_MS
    if (now() - (runningSince ?? began) > limit) {
      const what = runningSince === null ? 'was not begun' : 'did not end'
      return {
        kind: 'failed',
        error: `The build ${what} within ${limit / 1000} s on ${hostId}. Push again.`,
        phases: [],
      }
    }
    await walk.pause(LOOK_EVERY_MS)
  }
}

/** A host is lost when it was not seen live for as long as a lease; what cannot be seen during an outage does not count. */
function watchHost({ context: { store, now }, reach }: Walk, hostId: HostId): () => Promise<boolean> {
  let lookedAt = now()
  let seenLive = lookedAt
  return async () => {
    if (now() - lookedAt < LOOK_AT_HOST_EVERY_MS) return false
    const gap = now() - lookedAt
    const host = (await reach(() => loadHosts(store))).find(({ id }) => id === hostId)
    lookedAt = now()
    if (host?.live || gap > 3 * LOOK_AT_HOST_EVERY_MS) seenLive = lookedAt
    return lookedAt - seenLive > HOST_LEASE_MS
  }
}

/** A suspended tenant's builds end too: the agent ends a build that is taken off its host's list. @returns why, or null */
function watchTenant({ context: { store, now }, deploy, reach }: Walk): () => Promise<string | null> {
  let lookedAt = now()
  return async () => {
    if (now() - lookedAt < LOOK_AT_HOST_EVERY_MS) return null
    lookedAt = now()
    return reach(async () => {
      const app = await loadApp(store, deploy.appId)
      const tenant = app && (await loadTenant(store, app.tenantId))
      const suspension = tenant && suspensionOf(tenant)
      return suspension && tenantSuspended(tenant.id, suspension.reason).message
    })
  }
}
