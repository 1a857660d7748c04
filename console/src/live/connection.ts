/**
 * Keeps one stream of changes open while somebody is signed in, and begins it anew whenever it broke off, fell silent (a
 * laptop that slept) or the network came back. Every stream begins with all there is, so nothing has to be remembered.
 */
import { ApiError, chunksOf, request } from '../api/client.ts'
import { createSseReader } from './sse.ts'
import { changed, forget, take, type LiveStore } from './store.ts'
import { tellByFrames } from './telling.ts'

/** `unavailable`: this controller has no live changes. */
export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'unavailable'

type Options = {
  store: LiveStore
  topics: string[]
  onState: (state: LiveState) => void
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000
/** The controller says something at least every 15 s, if only a comment. */
const SILENCE_MS = 45_000
const LOOK_EVERY_MS = 5_000

/** @returns ends it and forgets all that was known */
export function followLive({ store, topics, onState }: Options): () => void {
  const stopped = new AbortController()
  const frames = tellByFrames(() => changed(store))
  let attempt = new AbortController()
  let heardAt = Date.now()
  let lookedAt = Date.now()
  let hurry = () => {}

  const follow = async (): Promise<void> => {
    const decoder = new TextDecoder()
    const read = createSseReader(({ event, data }) => {
      if (take(store, event, data)) frames.request()
    })
    const path = `/v1/live?topics=${topics.join(',')}`
    const response = await request('GET', path, { signal: attempt.signal, accept: 'text/event-stream' })
    onState('live')
    for await (const chunk of chunksOf(response)) {
      heardAt = Date.now()
      read(decoder.decode(chunk, { stream: true }))
    }
  }

  const run = async (): Promise<void> => {
    for (let waitMs = FIRST_WAIT_MS; !stopped.signal.aborted;) {
      attempt = new AbortController()
      heardAt = Date.now()
      const began = heardAt
      const error = await follow().catch((thrown: unknown) => thrown)
      if (stopped.signal.aborted) return
      if (error instanceof ApiError && error.status === 401) return
      onState(error instanceof ApiError && [403, 404].includes(error.status) ? 'unavailable' : 'reconnecting')
      waitMs = heardAt > began ? FIRST_WAIT_MS : Math.min(waitMs * 2, LONGEST_WAIT_MS)
      // Not all at once, when a controller came back that many follow.
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs * (0.5 + Math.random() / 2))
        hurry = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  const look = (): void => {
    const now = Date.now()
    const slept = now - lookedAt > LOOK_EVERY_MS * 3
    lookedAt = now
    if (slept || now - heardAt > SILENCE_MS) beginAnew()
  }
  const beginAnew = (): void => {
    attempt.abort()
    hurry()
  }
  const onLook = (): void => {
    if (!document.hidden) look()
  }

  const timer = setInterval(look, LOOK_EVERY_MS)
  window.addEventListener('online', beginAnew)
  window.addEventListener('offline', beginAnew)
  document.addEventListener('visibilitychange', onLook)
  onState('connecting')
  void run()

  return () => {
    stopped.abort()
    attempt.abort()
    hurry()
    clearInterval(timer)
    frames.cancel()
    window.removeEventListener('online', beginAnew)
    window.removeEventListener('offline', beginAnew)
    document.removeEventListener('visibilitychange', onLook)
    forget(store)
  }
}
