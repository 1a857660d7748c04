/** What runs, and what it said and did. */
import { z } from 'zod'
import { eventKinds, type EventKind } from '../../domain/event.ts'
import { instanceStates, type Intent, type ReasonCode } from '../../domain/instance.ts'
import type { MissedWhy } from '../../domain/cron.ts'
import { pauseView } from './app.ts'
import { listOf, moment, named, text, texts, whole } from './shape.ts'

const reasons = [
  'exited',
  'outOfMemory',
  'diskFull',
  'neverListened',
  'wrongPort',
  'probeFailed',
  'startFailed',
  'stopped',
  'hostStopped',
  'completed',
  'timedOut',
  'clientGone',
  'notPlaced',
  'lost',
] as const satisfies ReasonCode[]

export const instanceView = named('Instance', {
  id: text,
  name: text,
  app: text,
  tenant: text,
  process: text,
  release: whole,
  host: text,
  state: z.enum([...instanceStates, 'lost']).describe('lost is derived from a host’s lease that lapsed.'),
  intent: z.enum(['run', 'unroute', 'stop'] as const satisfies Intent[]),
  since: moment,
  restarts: whole,
  reason: z.enum(reasons).nullable(),
  detail: text.nullable(),
  memoryMb: whole,
  cpuMilli: whole,
  applied: z
    .strictObject({ memoryMb: whole, cpuMilli: whole, paused: z.boolean() })
    .nullable()
    .describe('What the kernel holds it to, which follows a change of the size by a moment; null: not known yet.'),
  upToDate: z.boolean().describe('Whether its host has answered the newest change.'),
  cpuMilliUsed: z.number().nullable(),
  memoryBytesUsed: z.number().nullable(),
  requestsPerSecond: z
    .number()
    .nullable()
    .describe(
      'Requests that it answered, over the last 10 s; null: it is no web process, or no router said anything lately.',
    ),
  requests: whole
    .nullable()
    .optional()
    .describe(
      'Requests that it answered since it is there, each counted once; null: it is no web process. Left out of what is followed live.',
    ),
  diskMb: whole.describe('The most that it may write to its own disk.'),
  diskBytesUsed: z.number().nullable().describe('Written to its own disk; null: not known yet.'),
  startedMs: z.number().nullable(),
  readyMs: z.number().nullable(),
  once: z.boolean().describe('It runs once and ends by itself.'),
})
export type InstanceView = z.infer<typeof instanceView>
export const instancesView = listOf('instances', instanceView)

export const runView = named('Run', {
  id: text,
  name: text.describe('Like run.12.'),
  app: text,
  command: text,
  release: whole,
  state: z.enum(['waiting', 'placed', 'ended']),
  host: text.nullable(),
  actor: text,
  job: text.nullable().describe('The job of the app’s clock that it is a run of.'),
  createdAt: moment,
  timeoutSeconds: z.number(),
  memoryMb: whole,
  cpuMilli: whole,
  end: z.strictObject({ at: moment, reason: z.enum(reasons), exitCode: whole.nullable(), detail: text }).nullable(),
})
export type RunView = z.infer<typeof runView>
export const runsView = listOf('runs', runView)

/** A job of an app's clock (docs/cron.md). */
export const cronJobView = named('CronJob', {
  name: text,
  command: text,
  schedule: text,
  timeoutSeconds: z.number(),
  overlap: z.enum(['skip', 'allow', 'replace']),
  problem: text.nullable().describe('Why it is never run: its schedule cannot be read.'),
  paused: pauseView.nullable(),
  nextAt: moment.nullable().describe('null: it is paused, or never comes.'),
  last: z
    .strictObject({ at: moment, run: runView.nullable() })
    .nullable()
    .describe('The last tick that was run; run is null where its record is no longer kept.'),
  missed: z
    .strictObject({
      why: z.enum(['away', 'paused', 'suspended', 'quota', 'overlap'] as const satisfies MissedWhy[]),
      text,
      first: moment,
      last: moment,
      count: whole,
    })
    .nullable()
    .describe('The last ticks that were not run.'),
  running: texts.describe('The runs that are under way, like run.12.'),
})
export type CronJobView = z.infer<typeof cronJobView>
export const cronView = named('Cron', {
  app: text,
  halted: text.nullable().describe('Why nothing of the app is run now; null: it is.'),
  jobs: z.array(cronJobView),
})
export type CronView = z.infer<typeof cronView>

export const eventView = named('Event', {
  at: moment,
  kind: z.enum(eventKinds as [EventKind, ...EventKind[]]),
  process: text.nullable().describe('null: the app as a whole.'),
  instance: text.nullable(),
  host: text.nullable(),
  release: whole.nullable(),
  actor: text.nullable(),
  text,
  lastOutput: texts,
})
export type EventView = z.infer<typeof eventView>
export const eventsView = listOf('events', eventView)
