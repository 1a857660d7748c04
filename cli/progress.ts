/** What a command that takes long is at: a line that moves on a terminal, a note for each phase elsewhere. */
import type { Writable } from 'node:stream'
import { escapeControls, formatDuration } from './text.ts'

type Sink = Writable & { isTTY?: boolean; columns?: number }

export type Progress = {
  /** The phase that begins now. Saying the same again is free. */
  say: (text: string) => void
  /** Takes the line away. To be called whatever happens. */
  end: () => void
}

/** The one line at the bottom of a terminal; whoever writes above it calls `clear` first and `draw` after. */
export type MovingLine = { clear: () => void; draw: () => void }

const FRAMES = ['|', '/', '-', '\\']
const TURN_EVERY_MS = 200
/** What is over sooner is not worth a time. */
const TELL_AFTER_MS = 2_000
const CLEAR = '\r\x1b[K'

/** @param env a dumb terminal cannot take a line back, and gets the notes of a pipe */
export function createProgress(sink: Sink, env: NodeJS.ProcessEnv, now: () => number) {
  let phase: string | null = null
  let since = 0
  let turn = 0
  let timer: NodeJS.Timeout | null = null
  const isLively = sink.isTTY === true && env['TERM'] !== 'dumb' && !env['CI']
  const clear = () => {
    if (timer !== null) sink.write(CLEAR)
  }
  const draw = () => {
    if (timer === null || phase === null) return
    const took = now() - since
    const line = `${FRAMES[turn % FRAMES.length]} ${phase}${took < TELL_AFTER_MS ? '' : ` (${formatDuration(took)})`}`
    sink.write(CLEAR + [...line].slice(0, (sink.columns ?? 80) - 1).join(''))
  }
  const begin = (): Progress => ({
    say: (text) => {
      if (text === phase) return
      phase = escapeControls(text)
      since = now()
      if (!isLively) return void sink.write(`${phase}\n`)
      // A command that ends otherwise is not held up by a line that turns.
      timer ??= setInterval(() => {
        turn += 1
        draw()
      }, TURN_EVERY_MS).unref()
      draw()
    },
    end: () => {
      clear()
      if (timer !== null) clearInterval(timer)
      timer = null
      phase = null
    },
  })
  return { begin, isLively, line: { clear, draw } satisfies MovingLine }
}
