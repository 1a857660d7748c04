/** What happened to an app, as `berth events` tells it: a code for machines, a sentence for people, the last output. */
import type { HostId, InstanceId } from './ids.ts'
import type { ReasonCode } from './instance.ts'

export type EventKind =
  | ReasonCode
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
