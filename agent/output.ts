/** What a sandbox prints, as lines that are safe to show. */

export type OutputLine = {
  at: string
  /** The platform's own words come on another way than the app's, so an app cannot pretend to them. */
  source: 'app' | 'platform'
  line: string
}

export const MAX_LINE_LENGTH = 2048

/** Turns chunks of conmon's file (`TIME STREAM F|P text` a row; P: the line goes on) into lines; what is too long is cut. */
export function lineAssembler(): (chunk: string) => OutputLine[] {
  const read = rowReader()
  let rest = ''
  return (chunk) => {
    const rows = (rest + chunk).split('\n')
    rest = rows.pop() ?? ''
    return rows.map(read).filter((line) => line !== null)
  }
}

/** @returns of each row the line that it ends, or null */
export function rowReader(): (row: string) => OutputLine | null {
  let partial = ''
  return (row) => {
    const match = /^(\S+) (?:stdout|stderr) ([FP]) (.*)$/s.exec(row)
    if (!match) return null
    const [, at = '', kind, text = ''] = match
    if (partial.length < MAX_LINE_LENGTH) partial += text
    if (kind === 'P') return null
    const cut = partial.length > MAX_LINE_LENGTH ? `${partial.slice(0, MAX_LINE_LENGTH)}…` : partial
    partial = ''
    return { at, source: 'app', line: printable(cut) }
  }
}

const CONTROL = /\p{Cc}(?:\[[0-9;:]*m)?/gu
/** They turn the direction of what follows, and so the order in which a line is read (Unicode TR 9). */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g
const ESCAPE = '\u001b'
const RESET = `${ESCAPE}[0m`

/**
 * A line that does to a terminal what text does, and nothing else: no cursor that moves over other lines, no title, no
 * bell. Colours stay and end with the line; other control characters are shown by their pictures (U+2400 and on).
 */
export function printable(line: string): string {
  let coloured = false
  const text = line
    .replace(/\r$/, '')
    .replace(CONTROL, (found) => {
      if (found === '\t') return found
      if (found.startsWith(ESCAPE) && found.endsWith('m')) {
        coloured = true
        return found
      }
      return picture(found.charCodeAt(0)) + found.slice(1)
    })
    .replace(DIRECTION, '\ufffd')
  return coloured ? text + RESET : text
}

const DELETE = 0x7f

function picture(code: number): string {
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === DELETE ? '\u2421' : '\ufffd'
}
