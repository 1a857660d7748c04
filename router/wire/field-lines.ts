/** Field lines (RFC 9112 §5), strictly: CRLF only, nothing before the colon, no folding, no control characters. */
import { COLON, CR, HTAB, LF, SP } from './characters.ts'
import { INCOMPLETE } from './framing.ts'
import { KEPT, type Names } from './names.ts'

export type Grammar = {
  /** The bytes of a name, and of a value. */
  name: Uint8Array
  value: Uint8Array
  /** Tells the kinds apart. */
  names: Names
  /** How many lines there may be, at most MAX_LINES. */
  most: number
}

/** A byte that may not stand where it stands. */
export const BROKEN = -1
export const TOO_MANY = -2

export const MAX_LINES = 200

// Constants of their own, because V8 then writes to them without looking for them.
const lineFrom = new Int32Array(MAX_LINES)
const nameEnd = new Int32Array(MAX_LINES)
const valueStart = new Int32Array(MAX_LINES)
const valueEnd = new Int32Array(MAX_LINES)
const lineTo = new Int32Array(MAX_LINES)
const kinds = new Uint8Array(MAX_LINES)

/**
 * What the last scan found; read it before the next one. One for all, so that scanning allocates nothing.
 * Line `n` is `bytes[from[n], to[n])` with its CRLF; its value goes without the white space around it.
 */
export const lines = {
  count: 0,
  /** Every line is written `Name: value\r\n`, with one space and a value. */
  tidy: true,
  from: lineFrom,
  nameTo: nameEnd,
  valueFrom: valueStart,
  valueTo: valueEnd,
  to: lineTo,
  /** What its name makes of it (names.ts). */
  kind: kinds,
}

/**
 * Scans lines up to and with the empty one that ends them. It judges from left to right, so that pieces give the same as
 * the whole.
 * @returns where they end, INCOMPLETE, BROKEN or TOO_MANY
 */
export function scanFieldLines(bytes: Buffer, from: number, to: number, grammar: Grammar): number {
  const { name, value, names, most } = grammar
  lines.tidy = true
  let i = from
  for (let count = 0; ; count += 1) {
    if (i === to) return INCOMPLETE
    if (bytes[i] === CR) {
      lines.count = count
      return endOfLine(bytes, i, to)
    }
    if (count === most) return TOO_MANY

    const nameFrom = i
    while (i < to && name[bytes[i] as number] === 1) i += 1
    const nameTo = i
    if (i === to) return INCOMPLETE
    if (i === nameFrom || bytes[i] !== COLON) return BROKEN

    i += 1
    while (i < to && isSpace(bytes[i] as number)) i += 1
    const valueFrom = i
    while (i < to && value[bytes[i] as number] === 1) i += 1
    let valueTo = i
    while (valueTo > valueFrom && isSpace(bytes[valueTo - 1] as number)) valueTo -= 1
    if (valueFrom !== nameTo + 2 || bytes[nameTo + 1] !== SP || valueTo !== i || valueTo === valueFrom)
      lines.tidy = false

    i = endOfLine(bytes, i, to)
    if (i <= 0) return i
    lineFrom[count] = nameFrom
    nameEnd[count] = nameTo
    valueStart[count] = valueFrom
    valueEnd[count] = valueTo
    lineTo[count] = i
    kinds[count] = names.kindIn(bytes, nameFrom, nameTo)
  }
}

/** The value of line `n`, as Latin-1. @param text the message from index `base` on */
export const valueOf = (text: string, base: number, n: number): string =>
  text.substring((lines.valueFrom[n] as number) - base, (lines.valueTo[n] as number) - base)

/**
 * The lines that are kept, each written `Name: value\r\n`. A line that came so is copied as it stands, neighbours in one
 * piece: every byte of it was checked, and generating it from its parts would give the same.
 * @param text the message from index `base` on
 */
export function keptLines(text: string, base: number): string {
  return lines.tidy ? keptTidyLines(text, base) : keptUntidyLines(text, base)
}

function keptTidyLines(text: string, base: number): string {
  let kept = ''
  for (let n = 0; n < lines.count; n += 1) {
    if (lines.kind[n] !== KEPT) continue
    const first = n
    while (n + 1 < lines.count && lines.kind[n + 1] === KEPT) n += 1
    kept += text.substring((lines.from[first] as number) - base, (lines.to[n] as number) - base)
  }
  return kept
}

function keptUntidyLines(text: string, base: number): string {
  let kept = ''
  for (let n = 0; n < lines.count; n += 1) if (lines.kind[n] === KEPT) kept += lineOf(text, base, n)
  return kept
}

/** Line `n` as `Name: value\r\n`. */
export const lineOf = (text: string, base: number, n: number): string =>
  `${text.substring((lines.from[n] as number) - base, (lines.nameTo[n] as number) - base)}: ${valueOf(text, base, n)}\r\n`

/** @returns the index after the CRLF that stands at `from`, INCOMPLETE or BROKEN */
export function endOfLine(bytes: Buffer, from: number, to: number): number {
  if (from === to) return INCOMPLETE
  if (bytes[from] !== CR) return BROKEN
  if (from + 1 === to) return INCOMPLETE
  return bytes[from + 1] === LF ? from + 2 : BROKEN
}

const isSpace = (byte: number): boolean => byte === SP || byte === HTAB
