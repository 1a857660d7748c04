/**
 * Tells those who listen, frame by frame. A place with thousands of instances changes in hundreds of spots at once; drawn in one go
 * that is a frame that comes late, so each frame is given what it has time for and the next ones the rest.
 */
import type { Listening, Tell } from './collection.ts'

/** Of the 16 that a frame has; the browser lays out and paints in what is left. */
const BUDGET_MS = 3
/** So many are told before the time is looked at: they are drawn together. */
const GROUP = 12
/** A hidden page has no frames; it is kept right by a slow timer. */
const HIDDEN_MS = 500

export type Telling = { request(): void; cancel(): void }

/** @param changed who is to be told; it is asked once a frame while something was requested */
export function tellByFrames(changed: () => Listening): Telling {
  const waiting = new Set<Tell>()
  let frame = 0
  let timer: ReturnType<typeof setTimeout> | null = null

  const clear = (): void => {
    cancelAnimationFrame(frame)
    if (timer !== null) clearTimeout(timer)
    frame = 0
    timer = null
  }
  const request = (): void => {
    if (frame !== 0) return
    frame = requestAnimationFrame(() => void inFrame())
    timer ??= setTimeout(inOne, HIDDEN_MS)
  }
  /** Sums are told together: most are over several topics, and would be drawn once for each. */
  const begin = (): void => {
    clear()
    const { ofAll, ofSome } = changed()
    for (const tell of ofAll) tell()
    for (const tell of ofSome) waiting.add(tell)
  }
  const inFrame = async (): Promise<void> => {
    const until = performance.now() + BUDGET_MS
    begin()
    do {
      // React draws what it was told in a microtask of its own, which comes first: so that counts, too.
      await Promise.resolve()
      for (const tell of takeFrom(waiting, GROUP)) tell()
    } while (waiting.size > 0 && performance.now() < until)
    if (waiting.size > 0) request()
  }
  const inOne = (): void => {
    begin()
    for (const tell of takeFrom(waiting, waiting.size)) tell()
  }
  return {
    request,
    cancel() {
      clear()
      waiting.clear()
    },
  }
}

function takeFrom(waiting: Set<Tell>, count: number): Tell[] {
  const taken = [...waiting.values().take(count)]
  for (const tell of taken) waiting.delete(tell)
  return taken
}
