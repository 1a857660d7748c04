/**
 * A line that an app printed, as pieces of plain text with a look. Colours (ECMA-48 SGR) become names of classes; every other
 * control sequence is left out, and characters that would hide or reorder text are written out, so that a line looks like
 * what it is. Nothing here makes HTML.
 */
export type Piece = { text: string; look: string }

const ESC = '\u001b'
/** CSI, then OSC, DCS, PM, APC and SOS up to their end, then short escapes. */
const SEQUENCE = new RegExp(
  `${ESC}\\[([0-9;:]*)([A-Za-z@\`])|${ESC}\\[[0-?]*[ -/]*[@-~]|${ESC}[\\]PX^_][^\u0007${ESC}]*(?:\u0007|${ESC}\\\\)?|${ESC}[ -/]*[0-~]?`,
  'g',
)
// eslint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']

type Style = { colour: string | null; bold: boolean; dim: boolean; italic: boolean; underline: boolean }
const plain: Style = { colour: null, bold: false, dim: false, italic: false, underline: false }

export function readAnsi(line: string): Piece[] {
  if (!line.includes(ESC)) return line === '' ? [] : [{ text: showHidden(line), look: '' }]
  const pieces: Piece[] = []
  let style = plain
  let from = 0
  const add = (text: string): void => {
    if (text !== '') pieces.push({ text: showHidden(text), look: lookOf(style) })
  }
  for (const match of line.matchAll(SEQUENCE)) {
    add(line.slice(from, match.index))
    from = match.index + match[0].length
    if (match[2] === 'm') style = restyle(style, match[1] ?? '')
  }
  add(line.slice(from))
  return pieces
}

/** What is read, for a filter: without colours. */
export const plainText = (line: string): string =>
  readAnsi(line)
    .map(({ text }) => text)
    .join('')

function restyle(before: Style, codes: string): Style {
  let style = before
  const numbers = codes.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)))
  for (let i = 0; i < numbers.length; i++) {
    const code = numbers[i] ?? 0
    // Colours out of 256 or 16 million: what follows are their figures, which have no name here.
    if (code === 38 || code === 48) i += numbers[i + 1] === 5 ? 2 : 4
    else style = withCode(style, code)
  }
  return style
}

function withCode(style: Style, code: number): Style {
  if (code === 0) return plain
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (code === 3) return { ...style, italic: true }
  if (code === 4) return { ...style, underline: true }
  if (code === 22) return { ...style, bold: false, dim: false }
  if (code === 23) return { ...style, italic: false }
  if (code === 24) return { ...style, underline: false }
  if (code === 39) return { ...style, colour: null }
  const base = code >= 90 ? code - 90 : code - 30
  const colour = code < 38 || (code >= 90 && code < 98) ? colours[base] : undefined
  return colour === undefined ? style : { ...style, colour }
}

const lookOf = ({ colour, bold, dim, italic, underline }: Style): string =>
  [
    colour && `ansi-${colour}`,
    bold && 'ansi-bold',
    dim && 'ansi-dim',
    italic && 'ansi-italic',
    underline && 'ansi-underline',
  ]
    .filter(Boolean)
    .join(' ')

const showHidden = (text: string): string =>
  text.replace(HIDDEN, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
