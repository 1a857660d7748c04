/** What happened to an app, as `berth events` tells it: a code for machines, a sentence for people, the last output. */
import type { HostId, InstanceId } from './ids.ts'
import type { ReasonCode } from './instance.ts'

export type EventKind =
  | ReasonCode
  | 'released'
  | 'releaseFailed'
  | 'started'
  | 'ready'
  | 'scaled'
  | 'resized'
  | 'resizeRefused'
  | 'paused'
  | 'resumed'
  | 'suspended'
  | 'budget'
  | 'stackChanged'
  | 'connectionsCapped'
  | 'connectionRateCapped'
  | 'lookupRateCapped'
  | 'mailRefused'
  | 'quotaChanged'
  | 'domainAdded'
  | 'domainVerified'
  | 'domainRemoved'
  | 'routingChanged'
  | 'checksChanged'
  | 'fellBack'
  | 'cronMissed'
  | 'cronSkipped'
  | 'cronChanged'
  | 'buildChanged'
  | 'drainChanged'
  | 'entered'

export type AppEvent = {
  /** ms since 1970. */
  at: number
  kind: EventKind
  /** `web.1`; null: the app as a whole. */
  process: string | null
  instance: InstanceId | null
  host: HostId | null
  release: number | null
  /** Who did it, where somebody did. */
  actor: string | null
  text: string
  /** What the instance printed last, where that helps. */
  lastOutput: string[]
}

const kinds: Record<EventKind, { isFailure: boolean }> = {
  exited: { isFailure: true },
  outOfMemory: { isFailure: true },
  diskFull: { isFailure: true },
  neverListened: { isFailure: true },
  wrongPort: { isFailure: true },
  probeFailed: { isFailure: true },
  startFailed: { isFailure: true },
  stopped: { isFailure: false },
  hostStopped: { isFailure: false },
  completed: { isFailure: false },
  timedOut: { isFailure: true },
  clientGone: { isFailure: false },
  notPlaced: { isFailure: true },
  lost: { isFailure: true },
  released: { isFailure: false },
  releaseFailed: { isFailure: true },
  started: { isFailure: false },
  ready: { isFailure: false },
  scaled: { isFailure: false },
  resized: { isFailure: false },
  resizeRefused: { isFailure: true },
  paused: { isFailure: false },
  resumed: { isFailure: false },
  suspended: { isFailure: true },
  budget: { isFailure: true },
  stackChanged: { isFailure: false },
  connectionsCapped: { isFailure: true },
  connectionRateCapped: { isFailure: true },
  lookupRateCapped: { isFailure: true },
  mailRefused: { isFailure: true },
  quotaChanged: { isFailure: false },
  domainAdded: { isFailure: false },
  domainVerified: { isFailure: false },
  domainRemoved: { isFailure: false },
  routingChanged: { isFailure: false },
  checksChanged: { isFailure: false },
  fellBack: { isFailure: true },
  cronMissed: { isFailure: true },
  cronSkipped: { isFailure: false },
  cronChanged: { isFailure: false },
  buildChanged: { isFailure: false },
  drainChanged: { isFailure: false },
  entered: { isFailure: false },
}

export const eventKinds = Object.keys(kinds) as EventKind[]
export const isFailure = (kind: EventKind): boolean => kinds[kind].isFailure

/** The newest so many are kept of each app. */
export const KEEP_EVENTS = 500
const TEXT_LENGTH = 1000
const OUTPUT_LINES = 10
const OUTPUT_LENGTH = 500

/** An event as it is stored: what an app printed cannot make it large. */
export const trimEvent = (event: AppEvent): AppEvent => ({
  ...event,
  text: event.text.slice(0, TEXT_LENGTH),
  lastOutput: event.lastOutput.slice(-OUTPUT_LINES).map((line) => line.slice(0, OUTPUT_LENGTH)),
})
