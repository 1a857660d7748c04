/** How components listen to what is live: each renders again only when what it shows has changed. */
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { LiveTopic, LiveTopics } from '../../../core/contract/live.ts'
import type { Collection } from './collection.ts'
import type { LiveState } from './connection.ts'
import { createLiveStore, type LiveStore } from './store.ts'

export const liveStore: LiveStore = createLiveStore()
export const LiveStateContext = createContext<LiveState>('connecting')
export const useLiveState = (): LiveState => useContext(LiveStateContext)

const collectionOf = <Topic extends LiveTopic>(topic: Topic): Collection<LiveTopics[Topic]> => liveStore[topic]

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
      let toldAt = -Infinity
      const show = (): void => {
        timer = null
        toldAt = performance.now()
        shown.current = { version: collection.version(channel), channel }
        tell()
      }
      const unlisten = collection.listen(channel, () => {
        const waitMs = toldAt + everyMs - performance.now()
        // What comes first is shown at once; what follows waits its turn.
        if (waitMs <= 0) show()
        else timer ??= setTimeout(show, waitMs)
      })
      return () => {
        unlisten()
        if (timer !== null) clearTimeout(timer)
      }
    },
    [collection, channel, everyMs],
  )
  return useSyncExternalStore(listen, () => {
    if (everyMs === 0 || shown.current.channel !== channel)
      shown.current = { version: collection.version(channel), channel }
    return shown.current.version
  })
}

/**
 * Acts when something on the channel has changed, at most every so often: for what is made of the same figures and is not told live.
 * @param act the same function until it is to do something else
 */
export function useChange(topic: LiveTopic, channel: string, everyMs: number, act: () => void): void {
  const collection = collectionOf(topic)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null
    const unlisten = collection.listen(channel, () => {
      timer ??= setTimeout(() => {
        timer = null
        act()
      }, everyMs)
    })
    return () => {
      unlisten()
      if (timer !== null) clearTimeout(timer)
    }
  }, [collection, channel, everyMs, act])
}

/**
 * A figure of the things on a channel. However often they change, only another figure renders again.
 * @param select its result is a number or a text, which are compared
 */
export function useFigure<Topic extends LiveTopic, Figure extends number | string>(
  topic: Topic,
  channel: string,
  select: (items: LiveTopics[Topic][]) => Figure,
): Figure {
  const collection = collectionOf(topic)
  const listen = useCallback((tell: () => void) => collection.listen(channel, tell), [collection, channel])
  const known = useRef<{ version: number; channel: string; figure: Figure } | null>(null)
  return useSyncExternalStore(listen, () => {
    const version = collection.version(channel)
    if (known.current?.version !== version || known.current.channel !== channel)
      known.current = { version, channel, figure: select(collection.within(channel)) }
    return known.current.figure
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
