/** What is known of a stretch of ten seconds, of each app, tenant and host and of the platform as a whole. */
import { mergeFigures, ratesOf, type Figures } from '#core/domain/figures.ts'
import type { App } from '#core/domain/app.ts'
import type { Host } from '#core/domain/host.ts'
import type { AppId, InstanceId } from '#core/domain/ids.ts'
import type { Instance } from '#core/domain/instance.ts'
import type { Point } from '#core/domain/series.ts'
import type { SeriesSubject } from '#core/store/series.ts'

/** How often each instance was restarted, as of the sample before. */
export type Restarts = ReadonlyMap<InstanceId, number>

export type SampleFacts = {
  now: number
  apps: readonly Pick<App, 'id' | 'tenantId'>[]
  instances: readonly Instance[]
  hosts: readonly Host[]
  /** null: there was none, so that nothing is known to be new. */
  restarts: Restarts | null
}

export const SAMPLE_SECONDS = 10
/** An instance's figures come every 10 s; older ones are not of now. */
const STALE_MS = 30_000
const MIB = 1024 ** 2

type Use = { cpuMilli: number; memoryBytes: number; instances: number; restarts: number }
const unused: Use = { cpuMilli: 0, memoryBytes: 0, instances: 0, restarts: 0 }

/** What runs now, with what it takes; subjects of which nothing runs are left out. */
export function sampleUse(facts: SampleFacts): { points: Map<SeriesSubject, Point>; restarts: Restarts } {
  const { now, apps, instances, hosts } = facts
  const uses = new Map<SeriesSubject, Use>()
  const add = (subject: SeriesSubject, use: Use) => uses.set(subject, addUse(uses.get(subject) ?? unused, use))
  const known = new Set<string>(apps.map(({ id }) => id))
  for (const instance of instances) {
    const { appId, tenantId, hostId } = instance.desired
    if (!known.has(appId)) continue
    const use = useOf(instance, now, facts.restarts)
    if (use === unused) continue
    add(`app:${appId}`, use)
    add(`tenant:${tenantId}`, use)
    add(`host:${hostId}`, use)
    add('platform', use)
  }

  // Of a machine it is the whole that counts: what runs on it, and the machine itself.
  const points = new Map<SeriesSubject, Point>(uses)
  const live = hosts.filter((host) => host.live)
  for (const host of live) points.set(`host:${host.id}`, { ...unused, ...uses.get(`host:${host.id}`), ...loadOf(host) })
  for (const { id, live: isLive } of hosts) if (!isLive) points.delete(`host:${id}`)
  if (live.length > 0) {
    const load = live.map(loadOf).reduce((sum, one) => ({ ...sum, ...addLoad(sum, one) }))
    points.set('platform', { ...unused, ...uses.get('platform'), ...load })
  }
  return { points, restarts: new Map(instances.map(({ desired, reported }) => [desired.id, reported?.restarts ?? 0])) }
}

/** What the routers counted; apps that nobody asked anything of are left out. */
export function sampleTraffic(
  apps: readonly Pick<App, 'id' | 'tenantId'>[],
  figures: ReadonlyMap<AppId, Figures>,
): Map<SeriesSubject, Point> {
  const counted = new Map<SeriesSubject, Figures[]>()
  const add = (subject: SeriesSubject, one: Figures) => {
    const before = counted.get(subject)
    if (before) before.push(one)
    else counted.set(subject, [one])
  }
  for (const { id, tenantId } of apps) {
    const one = figures.get(id)
    if (!one) continue
    add(`app:${id}`, one)
    add(`tenant:${tenantId}`, one)
    add('platform', one)
  }
  return new Map([...counted].map(([subject, all]) => [subject, ratesOf(mergeFigures(all), SAMPLE_SECONDS)]))
}

const noTraffic: Point = { requestsPerSecond: 0, errorsPerSecond: 0, bytesInPerSecond: 0, bytesOutPerSecond: 0 }

/** Both together. What runs and was asked nothing had no requests; a machine has none of its own. */
export function joinPoints(
  use: ReadonlyMap<SeriesSubject, Point>,
  traffic: ReadonlyMap<SeriesSubject, Point>,
): Map<SeriesSubject, Point> {
  const joined = new Map<SeriesSubject, Point>()
  for (const subject of new Set([...use.keys(), ...traffic.keys()])) {
    const isMachine = subject.startsWith('host:')
    joined.set(subject, { ...(isMachine ? {} : noTraffic), ...traffic.get(subject), ...use.get(subject) })
  }
  return joined
}

function useOf({ desired, reported, stats }: Instance, now: number, restarts: Restarts | null): Use {
  if (!reported || reported.state === 'stopped' || reported.state === 'failed') return unused
  const fresh = stats && now - stats.at <= STALE_MS ? stats : null
  const before = restarts === null ? reported.restarts : (restarts.get(desired.id) ?? 0)
  return {
    cpuMilli: fresh?.cpuMilli ?? 0,
    memoryBytes: fresh?.memoryBytes ?? 0,
    instances: reported.state === 'running' ? 1 : 0,
    restarts: Math.max(0, reported.restarts - before),
  }
}

const loadOf = ({ cpuMilliUsed, memoryMbUsed }: Host) => ({ cpuMilli: cpuMilliUsed, memoryBytes: memoryMbUsed * MIB })

const addLoad = (one: ReturnType<typeof loadOf>, other: ReturnType<typeof loadOf>) => ({
  cpuMilli: one.cpuMilli + other.cpuMilli,
  memoryBytes: one.memoryBytes + other.memoryBytes,
})

const addUse = (one: Use, other: Use): Use => ({
  ...addLoad(one, other),
  instances: one.instances + other.instances,
  restarts: one.restarts + other.restarts,
})
