/** Whose something is that an agent asks for, by what was decided: where instances were placed, and who builds what. */
import type { AgentNeed, Holders } from '#core/domain/agent-access.ts'
import { isDigest, isId, type AppId, type DeployId, type HostId, type InstanceId } from '#core/domain/ids.ts'
import type { Store } from '#core/store/connection.ts'
import { loadAssignedBuilds, loadDeploy } from '#core/store/deploys.ts'
import { loadAssigned, loadInstance } from '#core/store/instances.ts'
import { loadRelease, loadReleases } from '#core/store/releases.ts'
import { loadStacks } from '#core/store/stacks.ts'

export type HoldingsContext = {
  store: Store
  /** The host that somebody is inside of by a session; null: there is no such session. */
  hostOfSession: (session: string) => HostId | null
}

type Look = (id: string, host: HostId, context: HoldingsContext) => Promise<Holders>

/**
 * @param id what the path names, as it stands there
 * @param host who asks: of what may be many hosts', it is only looked whether it is this one's
 */
export const holdersOf = (need: AgentNeed, id: string, host: HostId, context: HoldingsContext): Promise<Holders> =>
  looks[need](id, host, context)

const ofInstance: Look = async (id, _host, { store }) => {
  const instance = isId(id) ? await loadInstance(store, id as InstanceId) : null
  return instance ? [instance.desired.hostId] : []
}

const looks: Record<AgentNeed, Look> = {
  joining: () => Promise.resolve('every host'),
  itself: () => Promise.resolve('every host'),
  instance: ofInstance,
  // A run is an instance that ends, of the same id.
  run: ofInstance,
  session: (id, _host, { hostOfSession }) => {
    const host = hostOfSession(id)
    return Promise.resolve(host === null ? [] : [host])
  },
  async build(id, _host, { store }) {
    const deploy = isId(id) ? await loadDeploy(store, id as DeployId) : null
    const builder = (deploy?.state === 'building' ? deploy.buildHost : null) as HostId | null
    return builder === null ? [] : [builder]
  },
  async layer(digest, host, { store }) {
    if (!isDigest(digest)) return []
    if (await isOfStack(store, digest)) return 'every host'
    return (await isOfInstance(store, digest, host)) || (await isOfBuild(store, digest, host)) ? [host] : []
  },
  building: async (_id, host, { store }) => ((await isBuilding(store, host)) ? [host] : []),
}

/** Stacks are the platform's own, and no secret. */
const isOfStack = async (store: Store, digest: string): Promise<boolean> =>
  (await loadStacks(store)).some(({ report }) => report?.state === 'built' && report.digest === digest)

async function isOfInstance(store: Store, digest: string, host: HostId): Promise<boolean> {
  const assigned = await loadAssigned(store, host)
  const releases = new Map(
    assigned.map(({ desired: { appId, release } }) => [`${appId} ${release}`, { appId, release }]),
  )
  for (const { appId, release } of releases.values()) {
    const found = await loadRelease(store, appId, release)
    if (found?.slug.layers.some((layer) => layer.digest === digest)) return true
  }
  return false
}

/** A build goes on from the dependencies of any release of its app. */
async function isOfBuild(store: Store, digest: string, host: HostId): Promise<boolean> {
  const apps = new Set((await buildsOn(store, host)).map(({ appId }): AppId => appId))
  for (const app of apps)
    if ((await loadReleases(store, app)).some(({ slug }) => slug.layers.some((layer) => layer.digest === digest)))
      return true
  return false
}

/** Of an app, or a stack. */
async function isBuilding(store: Store, host: HostId): Promise<boolean> {
  if ((await buildsOn(store, host)).length > 0) return true
  const stacks = await loadStacks(store)
  return stacks.some(
    (stack) => stack.host === host && stack.report?.state !== 'built' && stack.report?.state !== 'failed',
  )
}

const buildsOn = async (store: Store, host: HostId) =>
  (await loadAssignedBuilds(store, host)).filter((deploy) => deploy.state === 'building' && deploy.buildHost === host)
