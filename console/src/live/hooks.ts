/** How components listen to what is live: each renders again only when what it shows has changed. */
import { createContext, useCallback, useContext, useMemo, useRef, useSyncExternalStore } from 'react'
import type { LiveTopic, LiveTopics } from '../../../core/contract/live.ts'
import type { Collection } from './collection.ts'
import type { LiveState } from './connection.ts'
import { createLiveStore, type LiveStore } from './store.ts'

export const liveStore: LiveStore = createLiveStore()
export const LiveStateContext = createContext<LiveState>('connecting')
export const useLiveState = (): LiveState => useContext(LiveStateContext)

const collectionOf = <Topic extends LiveTopic>(topic: Topic): Collection<LiveTopics[Topic]> =>
  liveStore[topic] as unknown as Collection<LiveTopics[Topic]>

/**
 * Renders again when something on the channel changes.
 * @param everyMs at most so often: for sums over thousands of things, which nobody reads faster
 */
export function useVersion(topic: LiveTopic, channel: string, everyMs = 0): number {
  const collection = collectionOf(topic)
  const shown = useRef({ version: collection.version(channel), channel })
  const listen = useCallback(
    (tell: () => void) => {
      if (everyMs === 0) return collection.listen(channel, tell)
      let timer: ReturnType<typeof setTimeout> | null = null
      const unlisten = collection.listen(channel, () => {
        timer ??= setTimeout(() => {
          timer = null
          shown.current = { version: collection.version(channel), channel }
          tell()
        }, everyMs)
      })
      return () => {
        unlisten()
        if (timer !== null) clearTimeout(timer)
      }
    },
    [collection, channel, everyMs],
  )
  return useSyncExternalStore(listen, () => {
    // The first news are shown at once; only what follows waits.
    const { version, channel: of } = shown.current
    if (everyMs === 0 || version === 0 || of !== channel)
      shown.current = { version: collection.version(channel), channel }
    return shown.current.version
  })
}

export function useOne<Topic extends LiveTopic>(topic: Topic, id: string): LiveTopics[Topic] | undefined {
  useVersion(topic, `id:${id}`)
  return collectionOf(topic).get(id)
}

/** @param channel `*`, or `INDEX:KEY` for those under a key */
export function useMany<Topic extends LiveTopic>(topic: Topic, channel = '*', everyMs = 0): LiveTopics[Topic][] {
  const version = useVersion(topic, channel, everyMs)
  const collection = collectionOf(topic)
  return useMemo(
    () => (channel === '*' ? collection.all() : collection.within(channel)),
    // The version stands for what the collection holds.
    // eslint-disable-next-line
    [collection, channel, version],
  )
}

/** Whether the topic's first message has come. */
export function useKnown(topic: LiveTopic): boolean {
  useVersion(topic, '*', 1000)
  return collectionOf(topic).known
}

export function useApp(name: string): LiveTopics['apps'] | undefined {
  return useMany('apps', `name:${name}`)[0]
}
