/**
 * One who follows: is sent what changed between the picture that they were shown last and the newest. Whoever cannot take
 * more is not queued for; when they can again, they are sent what changed meanwhile, as one.
 */
import type { LiveTopic } from '#core/contract/live.ts'
import { emptyTail, since, visible, type Difference, type Item, type Items, type Sees, type Tail } from './changes.ts'
import type { KeyedTopic, Picture } from './picture.ts'

export type Viewer = {
  topics: readonly LiveTopic[]
  show(picture: Picture): void
  /** Aborted when they left. */
  signal: AbortSignal
}

/** Where it is written to. */
export type Sink = {
  /** @returns false when it holds more than it should; `onReady` follows */
  send(event: string, data: string): boolean
  onReady(then: () => void): void
  signal: AbortSignal
}

export type ViewerOptions = {
  topics: readonly LiveTopic[]
  sees: Sees
  /** The text of an item's view for this viewer. */
  textOf: (topic: LiveTopic, item: Item) => string
  /** What became different: one that all viewers share looks but once. */
  diff: (before: Items, after: Items) => Difference[]
}

/** How many of the newest events somebody is shown at first. */
const EVENTS_AT_FIRST = 100

export function createViewer(sink: Sink, { topics, sees, textOf, diff }: ViewerOptions): Viewer {
  let shown: Picture | null = null
  let newest: Picture | null = null
  let isFull = false

  function catchUp(): void {
    while (newest !== null && newest !== shown && !isFull && !sink.signal.aborted) {
      const picture = newest
      let fits = true
      for (const topic of topics) fits = sendTopic(topic, shown, picture) && fits
      shown = picture
      isFull = !fits
    }
  }

  function sendTopic(topic: LiveTopic, before: Picture | null, after: Picture): boolean {
    return topic === 'events'
      ? sendEvents(before?.events ?? null, after.events ?? emptyTail)
      : sendKeyed(topic, before, after)
  }

  function sendKeyed(topic: KeyedTopic, before: Picture | null, after: Picture): boolean {
    const items = after.keyed[topic]
    if (!items) return true
    const known = before?.keyed[topic]
    if (!known)
      return send(
        topic,
        true,
        [...items.values()].filter(({ target }) => sees(target)),
        [],
      )
    const { put, drop } = visible(diff(known, items), sees)
    return put.length + drop.length === 0 || send(topic, false, put, drop)
  }

  function sendEvents(before: Tail | null, after: Tail): boolean {
    const news = before && since(before, after)
    const wanted = (news ?? after.items).filter(({ target }) => sees(target))
    if (news === null) return send('events', true, wanted.slice(-EVENTS_AT_FIRST), [])
    return wanted.length === 0 || send('events', false, wanted, [])
  }

  function send(topic: LiveTopic, reset: boolean, put: readonly Item[], drop: readonly string[]): boolean {
    const texts = put.map((item) => textOf(topic, item)).join(',')
    return sink.send(topic, `{${reset ? '"reset":true,' : ''}"put":[${texts}],"drop":${JSON.stringify(drop)}}`)
  }

  sink.onReady(() => {
    isFull = false
    catchUp()
  })
  return {
    topics,
    signal: sink.signal,
    show(picture) {
      newest = picture
      catchUp()
    },
  }
}
