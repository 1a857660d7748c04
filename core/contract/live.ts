/**
 * `GET /v1/live?topics=hosts,instances`: server-sent events (WHATWG HTML §9.2), each named after its topic, its data one
 * JSON object of this shape. The first of a topic carries all that the caller may see and says `reset`; those after it carry what
 * changed. A stream that broke off begins anew, so whoever follows is right again after any pause.
 */
import { z } from 'zod'
import type { AppView, DeployView, EventView, HostView, InstanceView } from './api.ts'
import type { AlertView } from './alerts.ts'

export type LiveTopics = {
  hosts: HostView
  apps: AppView
  instances: InstanceView
  /** Those that run, and those that ended in the last hour. */
  deploys: DeployView & { app: string }
  /** Newest last. They have no id of their own: `put` appends. */
  events: EventView & { app: string }
  /** Of each app, over the last 10 s. */
  traffic: TrafficView
  alerts: AlertView
}
export type LiveTopic = keyof LiveTopics

export const liveTopics = [
  'hosts',
  'apps',
  'instances',
  'deploys',
  'events',
  'traffic',
  'alerts',
] as const satisfies readonly LiveTopic[]

/** `topics` is a list with commas; left out: all that the caller may see. `app`: only what is about this app. */
export const liveQuery = z.strictObject({
  topics: z
    .string()
    .max(200)
    .transform((text) => [...new Set(text.split(','))])
    .pipe(
      z
        .array(
          z.enum(liveTopics, {
            error: ({ input }) => `must be of ${liveTopics.join(', ')}, got ${JSON.stringify(input)}`,
          }),
        )
        .min(1),
    )
    .optional(),
  app: z.string().max(100).optional(),
})

/** A change as it is on the wire, where its topic is the event's name. */
export const liveChangeView = z.strictObject({
  reset: z.literal(true).optional(),
  put: z.array(z.record(z.string(), z.unknown())),
  drop: z.array(z.string()),
})

export type LiveChange<Topic extends LiveTopic = LiveTopic> = {
  /** What was known before is to be forgotten. */
  reset?: true
  /** New and changed ones, whole. */
  put: LiveTopics[Topic][]
  /** Ids of those that are gone. */
  drop: string[]
}

/** The id is the app's name. */
export type TrafficView = {
  app: string
  tenant: string
  requestsPerSecond: number
  /** Answers of 500 to 599, of the app or of the router in its stead. */
  errorsPerSecond: number
  p50Ms: number | null
  p95Ms: number | null
  bytesInPerSecond: number
  bytesOutPerSecond: number
}
