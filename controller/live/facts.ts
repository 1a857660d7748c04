/** Reads of the store what the topics that somebody follows need, and nothing else. */
import type { AlertView } from '#core/contract/alerts.ts'
import type { Answered } from '#core/domain/answered.ts'
import type { Figures } from '#core/domain/figures.ts'
import type { AppId } from '#core/domain/ids.ts'
import type { LiveTopic } from '#core/contract/live.ts'
import type { LiveReader } from '#core/store/live.ts'
import type { Facts } from './picture.ts'

export type Sources = {
  reader: LiveReader
  /** What the routers counted in the last 10 s. */
  traffic: () => Promise<Map<AppId, Figures>>
  /** The same of instances; null: no router said anything. */
  answered: () => Promise<Answered | null>
  /** Those that fire, and those that ended lately. */
  alerts: () => Promise<AlertView[]>
  now: () => number
}

const needs: Record<keyof Omit<Facts, 'now'>, readonly LiveTopic[]> = {
  apps: ['apps', 'deploys', 'events', 'traffic', 'alerts'],
  tenants: ['apps'],
  hosts: ['hosts', 'instances'],
  instances: ['hosts', 'instances'],
  deploys: ['deploys'],
  events: ['events'],
  traffic: ['traffic'],
  answered: ['instances'],
  alerts: ['alerts'],
}

export async function gather(
  { reader, traffic, answered, alerts, now }: Sources,
  topics: ReadonlySet<LiveTopic>,
): Promise<Facts> {
  const ifNeeded = <T>(name: keyof typeof needs, read: () => Promise<T>): Promise<T> | undefined =>
    needs[name].some((topic) => topics.has(topic)) ? read() : undefined

  // Apps last: what was read before them is of apps that are there, or are gone by now.
  const [tenants, hosts, instances, deploys, events, figures, answers, firing] = await Promise.all([
    ifNeeded('tenants', reader.tenants),
    ifNeeded('hosts', reader.hosts),
    ifNeeded('instances', reader.instances),
    ifNeeded('deploys', reader.deploys),
    ifNeeded('events', reader.events),
    ifNeeded('traffic', traffic),
    ifNeeded('answered', answered),
    ifNeeded('alerts', alerts),
  ])
  const apps = await ifNeeded('apps', reader.apps)
  const counted = { traffic: figures, answered: answers }
  return { now: now(), apps, tenants, hosts, instances, deploys, events, ...counted, alerts: firing }
}
