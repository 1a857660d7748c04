/**
 * Shows what changes to all who follow it, from one reading of the store for all of them: at once on an announcement, else
 * every second. While nobody follows anything, nothing is read and nothing is kept.
 */
import type { LiveTopic } from '#core/contract/live.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Subscription } from '#core/store/connection.ts'
import { createBell } from '../reconcile/bell.ts'
import { gather, type Sources } from './facts.ts'
import { draw, emptyPicture, type Picture } from './picture.ts'
import type { Viewer } from './viewer.ts'

export type HubContext = {
  log: Log
  /** Begins to read: asked again after nobody looked for a while. */
  open: () => Sources
  /** Calls back on each announcement of a change. */
  subscribe: (onChange: () => void) => Subscription
  /** Where an app is reached, by its name. */
  urlOf: (name: string) => string
  /** Aborted when the controller stops. */
  signal: AbortSignal
}

export type Hub = {
  /** Shows the viewer everything, and then what changes, until it leaves. */
  join(viewer: Viewer): void
  viewers(): number
}

const LOOK_EVERY_MS = 1_000
/** Between two looks, so that a burst of announcements is one look, and looking takes a fifth of the time at most. */
const MIN_PAUSE_MS = 150
const PAUSE_FACTOR = 4

export function createHub(context: HubContext): Hub {
  const { log, signal } = context
  const viewers = new Set<Viewer>()
  const bell = createBell()
  let isLooking = false

  async function look(): Promise<void> {
    const sources = context.open()
    const subscription = context.subscribe(() => bell.ring())
    let picture: Picture = emptyPicture
    let outage = false
    try {
      while (viewers.size > 0 && !signal.aborted) {
        const began = performance.now()
        try {
          const topics = topicsOf(viewers)
          picture = draw(picture, await gather(sources, topics), topics, context.urlOf)
          for (const viewer of viewers) viewer.show(picture)
          outage = false
        } catch (error) {
          if (!outage) log.warn('what is followed live cannot be read', { error })
          outage = true
        }
        await sleep(Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * (performance.now() - began)), signal)
        if (viewers.size > 0) await bell.wait(LOOK_EVERY_MS, signal)
      }
    } finally {
      await subscription.stop()
    }
  }

  /** One look at a time; whoever comes while the last one ends begins another. */
  async function keepLooking(): Promise<void> {
    if (isLooking) return
    isLooking = true
    while (viewers.size > 0 && !signal.aborted) await look()
    isLooking = false
  }

  return {
    viewers: () => viewers.size,
    join(viewer) {
      viewers.add(viewer)
      viewer.signal.addEventListener('abort', () => {
        viewers.delete(viewer)
        bell.ring()
      })
      if (viewer.signal.aborted) viewers.delete(viewer)
      bell.ring()
      keepLooking().catch((error: unknown) => {
        isLooking = false
        log.error('live changes ended', { error })
      })
    },
  }
}

const topicsOf = (viewers: ReadonlySet<Viewer>): Set<LiveTopic> => new Set([...viewers].flatMap(({ topics }) => topics))
