/** The newest log lines, which come faster than anybody reads. */
import type { LogLine } from '../../../../core/contract/api.ts'
import { plainText } from '../../text/ansi.ts'

export type Shown = LogLine & { key: number; plain: string }

/** More than an app's log holds; a browser bears them, because only those in view are drawn. */
const KEEP = 10_000

export class LogBuffer {
  #lines: Shown[] = []
  #next = 0

  /** Lines of a stream that began anew take the place of all that were there. */
  begin(): void {
    this.#lines = []
  }

  add(lines: LogLine[]): void {
    const more = lines.map((line) => ({ ...line, key: this.#next++, plain: plainText(line.line).toLowerCase() }))
    const all = [...this.#lines, ...more]
    this.#lines = all.length > KEEP ? all.slice(-KEEP) : all
  }

  /** The same array while no line came. */
  lines(): Shown[] {
    return this.#lines
  }
}

export type Filter = { text: string; source: LogLine['source'] | 'all'; ps: string }

export function filterLines(lines: Shown[], { text, source, ps }: Filter): Shown[] {
  const wanted = text.toLowerCase()
  if (wanted === '' && source === 'all' && ps === '') return lines
  return lines.filter(
    (line) =>
      (source === 'all' || line.source === source) && (ps === '' || line.ps === ps) && line.plain.includes(wanted),
  )
}
