/** What can be followed live, as it is now: one picture of the store for everybody who looks. */
import type { AlertView } from '#core/contract/alerts.ts'
import type { EventView } from '#core/contract/api.ts'
import type { LiveTopic, TrafficView } from '#core/contract/live.ts'
import type { Target } from '#core/domain/access.ts'
import type { App } from '#core/domain/app.ts'
import { answeredPerSecond, type Answered } from '#core/domain/answered.ts'
import { ratesOf, type Figures } from '#core/domain/figures.ts'
import type { AppId, DeployId, HostId, InstanceId, TenantId } from '#core/domain/ids.ts'
import { addCapacity, nothingReserved, reservedBy, type Capacity, type Host } from '#core/domain/host.ts'
import type { Instance } from '#core/domain/instance.ts'
import type { Tenant } from '#core/domain/quota.ts'
import type { Deploy } from '#core/domain/release.ts'
import { LIVE_SECONDS } from '#core/store/figures.ts'
import type { FedEvent } from '#core/store/events.ts'
import { appView, deployView, eventView, instanceView, showHost } from '../api/views.ts'
import { append, carry, emptyTail, type Item, type Items, type Tail } from './changes.ts'

/** What was read of the store; what nobody asked for is left out. */
export type Facts = {
  now: number
  apps?: Map<AppId, App> | undefined
  tenants?: Map<TenantId, Tenant> | undefined
  hosts?: Map<HostId, Host> | undefined
  instances?: Map<InstanceId, Instance> | undefined
  deploys?: Map<DeployId, Deploy> | undefined
  /** Those that are new. */
  events?: FedEvent[] | undefined
  /** Over the last LIVE_SECONDS. */
  traffic?: Map<AppId, Figures> | undefined
  answered?: Answered | null | undefined
  alerts?: AlertView[] | undefined
}

/** Whatever is there by its id; events only come. */
export type KeyedTopic = Exclude<LiveTopic, 'events'>
export type Picture = { keyed: Partial<Record<KeyedTopic, Items>>; events: Tail | null }
export const emptyPicture: Picture = { keyed: {}, events: null }

const DEPLOYS_SHOWN_MS = 3600_000
const EVENTS_KEPT = 2_000

type Draw = (facts: Facts, before: Items, urlOf: UrlOf) => Items | undefined
/** Where an app is reached, by its name. */
type UrlOf = (name: string) => string

/** @param before the picture before, of which all that did not change is taken over */
export function draw(before: Picture, facts: Facts, topics: ReadonlySet<LiveTopic>, urlOf: UrlOf): Picture {
  const keyed: Picture['keyed'] = {}
  for (const [topic, drawOne] of Object.entries(draws) as [KeyedTopic, Draw][]) {
    const items = topics.has(topic) ? drawOne(facts, before.keyed[topic] ?? new Map<string, Item>(), urlOf) : undefined
    if (items) keyed[topic] = items
  }
  // Kept also while nobody looks: the store is asked for news only.
  return { keyed, events: topics.has('events') ? drawEvents(facts, before.events ?? emptyTail) : before.events }
}

const draws: Record<KeyedTopic, Draw> = {
  apps({ apps, tenants }, before, urlOf) {
    return map(apps, (id, app) => {
      const tenant = tenants?.get(app.tenantId) ?? null
      return carry(before.get(id), [app, tenant], () => ({
        target: targetOf(app),
        // The address of its repository is that of the API as each caller reaches it: see viewer.ts.
        view: { ...appView(app, tenant, { url: urlOf(app.name), gitUrl: '' }), gitUrl: undefined },
      }))
    })
  },
  hosts({ hosts, instances }, before) {
    const reserved = reservedOn(instances?.values() ?? [])
    return map(hosts, (id, host) => {
      const here = reserved.get(id) ?? nothingReserved
      return carry(before.get(id), [host, ...Object.values(here)], () => ({
        target: null,
        view: showHost(host, here),
      }))
    })
  },
  instances({ instances, hosts, answered = null }, before) {
    const live = new Set<string>([...(hosts ?? [])].flatMap(([id, host]) => (host.live ? [id] : [])))
    return map(instances, (id, instance) => {
      const { tenantId, appId, hostId } = instance.desired
      const rate = answeredPerSecond(instance.desired, answered, LIVE_SECONDS)
      return carry(before.get(id), [instance, live.has(hostId), rate], () => ({
        target: { tenantId, appId },
        view: instanceView(instance, live, rate),
      }))
    })
  },
  deploys({ deploys, apps, now }, before) {
    return map(deploys, (id, deploy) => {
      const app = apps?.get(deploy.appId)
      if (!app || (deploy.endedAt !== null && now - deploy.endedAt > DEPLOYS_SHOWN_MS)) return null
      return carry(before.get(id), [deploy, app.name, app.tenantId], () => ({
        target: targetOf(app),
        view: { ...deployView(deploy), app: app.name },
      }))
    })
  },
  traffic({ traffic, apps }, before) {
    return collect(traffic, ([id, figures]) => {
      const app = apps?.get(id)
      if (!app) return null
      const make = () => ({
        target: targetOf(app),
        view: { app: app.name, tenant: app.tenantId, ...ratesOf(figures, LIVE_SECONDS) } satisfies TrafficView,
      })
      return [app.name, carry(before.get(app.name), [figures, app.tenantId], make)]
    })
  },
  alerts({ alerts, apps }, before) {
    const byName = new Map([...(apps ?? [])].map(([, app]) => [app.name as string, app]))
    return collect(alerts, (view) => {
      const app = view.app === null ? null : byName.get(view.app)
      const tenantId = app?.tenantId ?? (view.tenant as TenantId | null)
      const target = tenantId === null || app === undefined ? null : { tenantId, appId: app?.id ?? null }
      return [view.id, carry(before.get(view.id), [view], () => ({ target, view }))]
    })
  },
}

function drawEvents({ events = [], apps }: Facts, before: Tail): Tail {
  const news = events.flatMap(({ app: id, event }): Item[] => {
    const app = apps?.get(id)
    if (!app) return []
    const view: EventView & { app: string } = { ...eventView(event), app: app.name }
    return [{ target: targetOf(app), text: JSON.stringify(view), sources: [] }]
  })
  return news.length === 0 ? before : append(before, news, EVENTS_KEPT)
}

/** Of all hosts, in one pass over the instances. */
function reservedOn(instances: Iterable<Instance>): Map<HostId, Capacity> {
  const reserved = new Map<HostId, Capacity>()
  for (const instance of instances) {
    const { hostId } = instance.desired
    reserved.set(hostId, addCapacity(reserved.get(hostId) ?? nothingReserved, reservedBy(instance)))
  }
  return reserved
}

function map<Id extends string, T>(
  all: Map<Id, T> | undefined,
  draw: (id: Id, value: T) => Item | null,
): Items | undefined {
  if (!all) return undefined
  const items = new Map<string, Item>()
  for (const [id, value] of all) {
    const item = draw(id, value)
    if (item) items.set(id, item)
  }
  return items
}

const collect = <T>(all: Iterable<T> | undefined, draw: (value: T) => [string, Item] | null): Items | undefined =>
  all && new Map([...all].map(draw).filter((entry) => entry !== null))

const targetOf = ({ tenantId, id }: App): Target => ({ tenantId, appId: id })
