/**
 * `GET /v1/live?topics=hosts,instances`: server-sent events (WHATWG HTML §9.2), each named after its topic, its data one
 * JSON object of this shape. The first of a topic carries all that the caller may see and says `reset`; those after it carry what
 * changed. A stream that broke off begins anew, so whoever follows is right again after any pause.
 */
import { z } from 'zod'
import { alertView } from './alerts.ts'
import { appView, deployView, eventView, hostView, instanceView, named } from './views/index.ts'

const ofApp = { app: z.string() }

/** Of an app, over the last 10 s; the id is the app's name. */
export const trafficView = named('Traffic', {
  app: z.string(),
  tenant: z.string(),
  requestsPerSecond: z.number(),
  /** Answers of 500 to 599, of the app or of the router in its stead. */
  errorsPerSecond: z.number(),
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  bytesInPerSecond: z.number(),
  bytesOutPerSecond: z.number(),
})
export type TrafficView = z.infer<typeof trafficView>

/** What is followed, by topic. */
export const liveViews = {
  hosts: hostView,
  apps: appView,
  instances: instanceView,
  /** Those that run, and those that ended in the last hour. */
  deploys: deployView.extend(ofApp),
  /** Newest last. They have no id of their own: `put` appends. */
  events: eventView.extend(ofApp),
  traffic: trafficView,
  alerts: alertView,
}
export type LiveTopic = keyof typeof liveViews
export type LiveTopics = { [Topic in LiveTopic]: z.infer<(typeof liveViews)[Topic]> }
export const liveTopics = Object.keys(liveViews) as LiveTopic[]

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

const changeOf = <View extends z.ZodType>(view: View) =>
  z.strictObject({
    /** What was known before is to be forgotten. */
    reset: z.literal(true).optional(),
    /** New and changed ones, whole. */
    put: z.array(view),
    /** Ids of those that are gone. */
    drop: z.array(z.string()),
  })

/** A change as it is on the wire, where its topic is the event's name. */
export const liveChangeView = z.union([
  changeOf(liveViews.hosts),
  changeOf(liveViews.apps),
  changeOf(liveViews.instances),
  changeOf(liveViews.deploys),
  changeOf(liveViews.events),
  changeOf(liveViews.traffic),
  changeOf(liveViews.alerts),
])

export type LiveChange<Topic extends LiveTopic = LiveTopic> = {
  reset?: true
  put: LiveTopics[Topic][]
  drop: string[]
}
