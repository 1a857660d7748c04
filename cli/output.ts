/** The only place that writes: results to stdout, everything else to stderr, nothing that could drive a terminal. */
import type { Writable } from 'node:stream'
import { escapeControls, paint, renderCsv, renderTable, toJson, type Cell, type Colour } from './text.ts'

type Sink = Writable & { isTTY?: boolean }

export type Output = {
  /** A line of the result. */
  line: (text?: string) => void
  /** A line that was made harmless already, and may carry colours where there are any. */
  safeLine: (text: string) => void
  /** Whether what goes to stdout is coloured. */
  colours: boolean
  /** Text that keeps its own newlines, for `$(berth config:get KEY)`. */
  value: (text: string) => void
  /** @param below lines to show under each row */
  table: (head: string[], rows: Cell[][], below?: string[][]) => void
  /** `name: value` lines, aligned. */
  facts: (facts: [string, Cell][]) => void
  /** The API's answer as it came; nothing when the API answered with no content. */
  json: (value: unknown) => void
  /** Comma-separated values, as RFC 4180 has them. */
  csv: (head: string[], rows: string[][]) => void
  /** One value a line, for streams. */
  jsonLine: (value: unknown) => void
  /** Progress and hints: on stderr, so that a pipe carries only the result. */
  note: (text: string) => void
  error: (text: string) => void
}

export function createOutput(stdout: Sink, stderr: Sink, env: NodeJS.ProcessEnv): Output {
  const coloured = (sink: Sink) => sink.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const write = (sink: Sink, text: string) => void sink.write(`${text}\n`)
  return {
    line: (text = '') => write(stdout, escapeControls(text)),
    safeLine: (text) => write(stdout, text),
    colours: coloured(stdout),
    value: (text) => write(stdout, escapeControls(text, '\n')),
    table: (head, rows, below = []) => {
      const lines = renderTable(head, rows, coloured(stdout))
      const whole = lines.flatMap((line, index) => [
        line,
        ...(below[index - 1] ?? []).map((text) => escapeControls(text)),
      ])
      write(stdout, whole.join('\n'))
    },
    facts: (facts) => {
      const width = Math.max(...facts.map(([name]) => name.length)) + 1
      for (const [name, cell] of facts) {
        const [text, colour]: [string, Colour | null] =
          typeof cell === 'string' ? [cell, null] : [cell.text, cell.colour]
        write(stdout, `${`${name}:`.padEnd(width)} ${paint(escapeControls(text), colour, coloured(stdout))}`.trimEnd())
      }
    },
    json: (value) => {
      if (value !== null) write(stdout, toJson(value))
    },
    csv: (head, rows) => void stdout.write(renderCsv([head, ...rows])),
    jsonLine: (value) => write(stdout, toJson(value, 0)),
    note: (text) => write(stderr, escapeControls(text)),
    error: (text) => write(stderr, paint(escapeControls(text), 'red', coloured(stderr))),
  }
}
