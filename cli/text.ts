/** Pure helpers for what is printed and typed: escaping, tables, units, and the grammar of `web=2` and `KEY=VALUE`. */
import { isConfigName } from '#core/domain/app.ts'
import { isProcessType } from '#core/domain/procfile.ts'
import { usage } from './failures.ts'

/**
 * Makes text that came from the platform harmless to a terminal: control characters (C0 without the tab, DEL, C1) and
 * bidirectional controls, which can hide or reorder what is shown, appear as `\x1b` or `\u{202e}`.
 * @param keep further characters that stay as they are, e.g. a newline
 */
export function escapeControls(text: string, keep = ''): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    if (character === '\t' || keep.includes(character)) return character
    if (character === '\n') return '\\n'
    if (character === '\r') return '\\r'
    const code = character.codePointAt(0) ?? 0
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}

/** JSON with every control character as an escape, including those that JSON.stringify leaves as they are. */
export function toJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(/[\x7f-\x9f\p{Bidi_Control}]/gu, escapeUnit)
}

const escapeUnit = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

export type Colour = 'red' | 'green' | 'yellow' | 'grey' | 'cyan' | 'magenta' | 'blue'
/** A cell's text, escaped when it is rendered; or a text and its colour. */
export type Cell = string | { text: string; colour: Colour }

const codes: Record<Colour, number> = {
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  grey: 90,
}

/** Columns as wide as their widest cell, two spaces apart, without trailing blanks. */
export function renderTable(head: string[], rows: Cell[][], colours: boolean): string[] {
  const plain = [head, ...rows.map((row) => row.map((cell) => escapeControls(textOf(cell))))]
  const widths = head.map((_, column) => Math.max(...plain.map((row) => lengthOf(row[column] ?? ''))))
  return plain.map((row, index) =>
    row
      .map((text, column) => {
        const padding = ' '.repeat((widths[column] ?? 0) - lengthOf(text))
        return paint(text, index === 0 ? 'grey' : colourOf(rows[index - 1]?.[column]), colours) + padding
      })
      .join('  ')
      .trimEnd(),
  )
}

export function paint(text: string, colour: Colour | null, colours: boolean): string {
  return colour === null || !colours ? text : `\x1b[${codes[colour]}m${text}\x1b[0m`
}

const textOf = (cell: Cell) => (typeof cell === 'string' ? cell : cell.text)
const colourOf = (cell: Cell | undefined) => (cell === undefined || typeof cell === 'string' ? null : cell.colour)
const lengthOf = (text: string) => [...text].length

/** RFC 4180: lines end with CR LF, and a field with a quote, a comma or a line break in it stands in quotes. */
export const renderCsv = (rows: string[][]): string =>
  rows.map((row) => row.map((field) => quoteCsv(escapeControls(field))).join(',') + '\r\n').join('')

const quoteCsv = (field: string) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)

/** Binary units with three significant digits: `96.4 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${significant(value, unit === 0)} ${units[unit]}`
}

const significant = (value: number, whole: boolean) =>
  whole || value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

export const formatMegabytes = (megabytes: number): string => formatBytes(megabytes * 1024 * 1024)
/** Thousandths of a core as cores: `0.25`. */
export const formatCores = (milli: number): string => String(Math.round(milli / 10) / 100)

/** The two largest units: `3 h 20 min`, `1 min 5 s`, `2.4 s`, `120 ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${Math.round(ms / 100) / 10} s`
  const units: [string, number][] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ]
  const first = units.findIndex(([, size]) => ms >= size)
  const parts: string[] = []
  let rest = ms
  for (const [name, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) parts.push(`${count} ${name}`)
  }
  return parts.join(' ')
}

/** `5 s ago`; after a week the date says more. What is not a date is shown as it came. */
export function formatSince(at: string, now: number): string {
  const then = Date.parse(at)
  if (Number.isNaN(then)) return at
  const ms = now - then
  if (ms < 1000) return 'just now'
  if (ms > 7 * 86_400_000) return new Date(then).toISOString().slice(0, 10)
  return `${formatDuration(ms - (ms % 1000)).replace(/^(\d+(\.\d+)? \S+).*$/, '$1')} ago`
}

/** @returns thousandths of a core from `0.5`, `2` or `500m` */
export function parseCpu(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(text)
  const milli = match ? Math.round(Number(match[1]) * (match[2] === 'm' ? 1 : 1000)) : 0
  if (milli < 1) throw usage(`--cpu must be a number of cores like 0.5 or 2, or thousandths like 500m, got "${text}".`)
  return milli
}

const inMegabytes: Record<string, number> = { '': 1, M: 1, G: 1024, T: 1024 * 1024 }

/** @returns MiB from `256M`, `1G`, `1.5T` or `512` */
export function parseSize(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(M|G|T|)(?:i?B)?$/i.exec(text)
  const megabytes = match ? Math.round(Number(match[1]) * (inMegabytes[match[2]?.toUpperCase() ?? ''] ?? 0)) : 0
  if (megabytes < 1) throw usage(`${option} must be a size like 256M or 1G, got "${text}".`)
  return megabytes
}

export const parseMemory = (text: string): number => parseSize('--memory', text)

/** `web=2` sets, `web+1` and `web-1` change. */
export type ScaleTerm = { type: string; sign: '=' | '+' | '-'; count: number }

export function parseScaleTerm(text: string): ScaleTerm {
  const match = /^([a-z][a-z0-9]*)([=+-])(\d{1,4})$/.exec(text)
  if (!match || !isProcessType(match[1] ?? ''))
    throw usage(`"${text}" is not a number of instances: write web=2, web+1 or web-1.`)
  return { type: match[1] ?? '', sign: match[2] as ScaleTerm['sign'], count: Number(match[3]) }
}

export function countAfter(term: ScaleTerm, current: number): number {
  if (term.sign === '=') return term.count
  return Math.max(0, term.sign === '+' ? current + term.count : current - term.count)
}

/** @returns a moment of ISO 8601; `24h`, `30m` and `7d` mean so long ago, and what else it may be the API says */
export function parseTime(text: string, now: number): string {
  const match = /^(\d{1,6})([mhd])$/.exec(text)
  if (!match) return text
  const ms = { m: 60_000, h: 3600_000, d: 86_400_000 }[match[2] as 'm' | 'h' | 'd']
  return new Date(now - Number(match[1]) * ms).toISOString()
}

/** Whole hours' worth in hours, less in seconds: `1.53 h`, `12.3 s`. */
export const formatCpuTime = (seconds: number): string =>
  seconds >= 3600 ? `${significant(seconds / 3600, false)} h` : `${significant(seconds, false)} s`

/** What was held for how long: `1.50 GiB-h`. */
export const formatMbHours = (mbHours: number): string => `${formatMegabytes(mbHours)}-h`

/** `KEY=VALUE`; the value is everything after the first `=`, and may be empty. */
export function parseAssignment(text: string): { name: string; value: string } {
  const at = text.indexOf('=')
  if (at === -1) throw usage(`"${text}" is not a variable: write KEY=VALUE.`)
  return { name: parseConfigName(text.slice(0, at)), value: text.slice(at + 1) }
}

export function parseConfigName(text: string): string {
  if (!isConfigName(text))
    throw usage(`"${text}" cannot be a variable's name: use letters, digits and _, not starting with a digit.`)
  return text
}

/** @returns the number of `v12` or `12` */
export function parseVersion(text: string): number {
  const match = /^v?(\d{1,9})$/.exec(text)
  if (!match || Number(match[1]) < 1) throw usage(`"${text}" is not a release: write v12.`)
  return Number(match[1])
}

export function parseCount(option: string, text: string): number {
  if (!/^\d{1,9}(\.\d+)?$/.test(text)) throw usage(`${option} must be a number, got "${text}".`)
  return Number(text)
}
