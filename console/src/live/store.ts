/** What the API says live, by topic (core/contract/live.ts), ready for pages to listen to. */
import type { LiveChange, LiveTopic, LiveTopics } from '../../../core/contract/live.ts'
import { Collection, type Listening } from './collection.ts'

export type LiveStore = { [Topic in LiveTopic]: Collection<LiveTopics[Topic]> }

/** Newest last; more are for the API to tell. */
const KEEP_EVENTS = 300

export function createLiveStore(): LiveStore {
  return {
    hosts: new Collection({ idOf: ({ id }) => id }),
    apps: new Collection({
      idOf: ({ id }) => id,
      indexes: { name: ({ name }) => name, tenant: ({ tenant }) => tenant },
    }),
    instances: new Collection({
      idOf: ({ id }) => id,
      indexes: { app: ({ app }) => app, host: ({ host }) => host, tenant: ({ tenant }) => tenant },
    }),
    deploys: new Collection({ idOf: ({ id }) => id, indexes: { app: ({ app }) => app } }),
    events: new Collection({ idOf: (event) => numberOf(event), indexes: { app: ({ app }) => app } }),
    traffic: new Collection({ idOf: ({ app }) => app, indexes: { tenant: ({ tenant }) => tenant } }),
    alerts: new Collection({ idOf: ({ id }) => id, indexes: { state: ({ state }) => state } }),
  }
}

/** Takes a message in. What cannot be read is left out: the next `reset` makes good for it. */
export function take(store: LiveStore, topic: string, data: string): boolean {
  if (!isTopic(store, topic)) return false
  const change = parse(data)
  if (change === null) return false
  // Each topic's changes go to its own collection; the compiler cannot see that the two are of one kind.
  ;(store[topic] as Collection<unknown>).apply(change)
  if (topic === 'events') trimEvents(store)
  return true
}

/** Those who listen to what changed, over all topics. */
export function changed(store: LiveStore): Listening {
  const all = Object.values(store).map((collection) => collection.changed())
  return { ofAll: all.flatMap(({ ofAll }) => ofAll), ofSome: all.flatMap(({ ofSome }) => ofSome) }
}

export function flush(store: LiveStore): void {
  for (const collection of Object.values(store)) collection.flush()
}

export function forget(store: LiveStore): void {
  for (const collection of Object.values(store)) collection.forget()
  flush(store)
}

const isTopic = (store: LiveStore, topic: string): topic is LiveTopic => Object.hasOwn(store, topic)

function parse(data: string): LiveChange | null {
  try {
    const { reset, put, drop } = JSON.parse(data) as Partial<LiveChange>
    return { ...(reset ? { reset } : {}), put: put ?? [], drop: drop ?? [] }
  } catch {
    return null
  }
}

/** Events have no id: each gets a number, by its object. */
const numbers = new WeakMap<object, string>()
let next = 0
function numberOf(event: object): string {
  const known = numbers.get(event) ?? String(next++)
  numbers.set(event, known)
  return known
}

function trimEvents({ events }: LiveStore): void {
  if (events.size > KEEP_EVENTS) events.dropOldest(events.size - KEEP_EVENTS)
}
