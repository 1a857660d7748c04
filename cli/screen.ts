/** A terminal that is drawn on again and again, and is left as it was found. */

export type Screen = {
  /** In the place of what was drawn before; what does not fit is left out. */
  draw(lines: string[]): void
  /** Aborted when somebody typed q or Ctrl-C. */
  signal: AbortSignal
  restore(): void
}

/** Another screen than the one with the shell's history, without a cursor, and without breaking lines that are too long. */
const OPEN = '\x1b[?1049h\x1b[?25l\x1b[?7l'
/** q, Q, Ctrl-C, Ctrl-D. */
const ENDS = [0x71, 0x51, 0x03, 0x04]
const CLOSE = '\x1b[?7h\x1b[?25h\x1b[?1049l'

export function openScreen(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): Screen {
  const left = new AbortController()
  let drawn: string[] = []
  let isOpen = true

  const restore = () => {
    if (!isOpen) return
    isOpen = false
    stdin.off('data', onKey)
    stdin.setRawMode(false)
    stdin.pause()
    stdout.off('resize', redraw)
    process.off('exit', restore)
    stdout.write(CLOSE)
  }
  const onKey = (keys: Buffer) => {
    if (keys.some((key) => ENDS.includes(key))) left.abort()
  }
  const redraw = () => {
    const rows = stdout.rows || 24
    const fitting = drawn.length <= rows ? drawn : [...drawn.slice(0, rows - 1), `… ${drawn.length - rows + 1} more`]
    stdout.write(`\x1b[H${fitting.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`)
  }

  stdin.setRawMode(true)
  stdin.on('data', onKey)
  stdin.resume()
  stdout.on('resize', redraw)
  for (const name of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.once(name, () => left.abort())
  process.on('exit', restore)
  stdout.write(OPEN)
  return {
    draw(lines) {
      drawn = lines
      if (isOpen) redraw()
    },
    signal: left.signal,
    restore,
  }
}
