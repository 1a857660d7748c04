/** The only place that writes: results to stdout, everything else to stderr, nothing that could drive a terminal. */
import type { Writable } from 'node:stream'
import { createProgress, type Progress } from './progress.ts'
import { escapeControls, paint, renderCsv, renderTable, toJson, type Cell, type Colour } from './text.ts'

type Sink = Writable & { isTTY?: boolean; columns?: number }

/** @param hue which colour of a row: neighbours differ */
export type Label = { label: string; width: number; hue: number }

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
  /** A line of a program on this machine, behind its name: its colours stay, and nothing else that drives a terminal. */
  labelled: (label: Label, text: string) => void
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
  /** What a command that takes long is at, on stderr. */
  progress: () => Progress
  /** Whether progress moves, so that what is shown anyway may be its phases too. */
  isLively: boolean
}

const hues: Colour[] = ['cyan', 'yellow', 'green', 'magenta', 'blue']

export function createOutput(stdout: Sink, stderr: Sink, env: NodeJS.ProcessEnv, now = Date.now): Output {
  const coloured = (sink: Sink) => sink.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const { begin, line, isLively } = createProgress(stderr, env, now)
  const write = (sink: Sink, text: string) => {
    line.clear()
    sink.write(`${text}\n`)
    line.draw()
  }
  return {
    line: (text = '') => write(stdout, escapeControls(text)),
    safeLine: (text) => write(stdout, text),
    colours: coloured(stdout),
    value: (text) => write(stdout, escapeControls(text, '\n')),
    labelled: ({ label, width, hue }, text) => {
      const colours = coloured(stdout)
      write(
        stdout,
        `${paint(`${label.padEnd(width)} |`, hues[hue % hues.length] ?? null, colours)} ${ofProgram(text, colours)}`,
      )
    },
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
    progress: begin,
    isLively,
    note: (text) => write(stderr, escapeControls(text)),
    error: (text) => write(stderr, paint(escapeControls(text), 'red', coloured(stderr))),
  }
}

// eslint-disable-next-line no-control-regex -- the escape sequences themselves are looked for
const COLOURS = /(\x1b\[[0-9;]*m)/

/** Its own colours (SGR, ECMA-48 §8.3.117) stay where there are colours at all. */
function ofProgram(text: string, colours: boolean): string {
  const parts = text.split(COLOURS)
  const kept = parts.map((part, index) => (index % 2 === 0 ? escapeControls(part) : colours ? part : ''))
  return kept.join('') + (colours && parts.length > 1 ? '\x1b[0m' : '')
}
