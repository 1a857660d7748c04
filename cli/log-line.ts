/** How a line of a log is shown: who said it, in a colour of its own, and nothing that could drive a terminal. */
import type { LogLine } from '#core/contract/logs.ts'
import { escapeControls } from './text.ts'

/** Select Graphic Rendition (ECMA-48 §8.3.117): the only control sequences that a log keeps. */
// eslint-disable-next-line no-control-regex -- these are what is looked for
const COLOURS = /\u001b\[[0-9;:]*m/g
const RESET = '\u001b[0m'
/** Cyan, green, yellow, blue, magenta, and each of them bright: readable on dark and light. Red is for what failed. */
const palette = [36, 32, 33, 34, 35, 96, 92, 93, 94, 95]
const GREY = 90

export function renderLogLine({ at, source, ps, line }: LogLine, colours: boolean): string {
  const who = escapeControls(`${at} ${source}[${ps}]:`)
  const text = line.replace(/\r$/, '')
  if (!colours) return `${who} ${escapeControls(text.replace(COLOURS, ''))}`
  const colour = source === 'app' ? (palette[sum(ps) % palette.length] ?? GREY) : GREY
  return `\u001b[${colour}m${who}${RESET} ${keepColours(text)}`
}

/** What the app coloured stays coloured, and ends with the line. */
function keepColours(text: string): string {
  const colours = text.match(COLOURS) ?? []
  const parts = text.split(COLOURS).map((part) => escapeControls(part))
  const shown = parts.map((part, at) => part + (colours[at] ?? '')).join('')
  return colours.length === 0 ? shown : shown + RESET
}

const sum = (text: string): number => [...text].reduce((total, character) => total + (character.codePointAt(0) ?? 0), 0)
