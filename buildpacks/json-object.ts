/**
 * ◆ JSON that people wrote (RFC 8259): read, or refused with line, column and reason. JSON.parse names a place for some
 * faults only, and not in all its versions.
 */
import { invalidFile } from './contract.ts'

export type JsonObject = Record<string, unknown>

/**
 * The object that a file holds.
 * @param name the file's, for the sentence
 * @param dialect `jsonc`: with comments and a comma after the last element
 * @throws BuildFailure naming file, line, column and reason
 */
export function parseJsonObject(name: string, text: string, dialect: 'json' | 'jsonc' = 'json'): JsonObject {
  const plain = dialect === 'jsonc' ? withoutComments(text) : text
  let value: unknown
  try {
    value = JSON.parse(plain)
  } catch (error) {
    const fault = findFault(plain)
    const where = fault ? ` in line ${fault.line}, column ${fault.column}: ${fault.reason}` : ''
    throw invalidFile(`${name} is not valid JSON${where}. Correct it and push again.`, error)
  }
  if (!isObject(value)) throw invalidFile(`${name} must hold a JSON object. Correct it and push again.`)
  return value
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export type Fault = { line: number; column: number; reason: string }

/** The first fault of a text that is not JSON; null when it is. Lines and columns count from 1. */
export function findFault(text: string): Fault | null {
  const found = faultAt(text)
  if (!found) return null
  const before = text.slice(0, found.at).split('\n')
  return { line: before.length, column: (before.at(-1) ?? '').length + 1, reason: found.reason }
}

type Place = { at: number; reason: string }
type Expecting = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing'

// A string holds no control character as it is (RFC 8259 §7).
const scalar =
  // eslint-disable-next-line no-control-regex
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const space = /[ \t\r\n]*/y

/** Open brackets are a list, not calls: how deep a file nests is its author's choice. */
function faultAt(text: string): Place | null {
  const open: Bracket[] = []
  let expecting: Expecting = 'value'
  let at = 0
  for (;;) {
    space.lastIndex = at
    space.test(text)
    at = space.lastIndex
    const c = text[at]
    if (c === undefined) return atTheEnd(at, expecting, open)
    const next = afterMark(c, expecting, open)
    if (next !== null) {
      expecting = next
      at++
      continue
    }
    const isKey = expecting.startsWith('key')
    scalar.lastIndex = at
    const may = isKey ? c === '"' : expecting.startsWith('value')
    if (!may || !scalar.test(text)) return { at, reason: whatIsWrong(c, expecting, open.at(-1)) }
    at = scalar.lastIndex
    expecting = isKey ? 'colon' : afterValue(open)
  }
}

type Bracket = '{' | '['
const afterValue = (open: Bracket[]): Expecting => (open.length === 0 ? 'nothing' : 'comma or end')

/** What is expected after a bracket, comma or colon, when one may stand here. */
function afterMark(c: string, expecting: Expecting, open: Bracket[]): Expecting | null {
  if (expecting.endsWith('or end') && closes(c, open.at(-1))) {
    open.pop()
    return afterValue(open)
  }
  if (c === ',' && expecting === 'comma or end') return open.at(-1) === '{' ? 'key' : 'value'
  if (c === ':' && expecting === 'colon') return 'value'
  if ((c === '{' || c === '[') && expecting.startsWith('value')) {
    open.push(c)
    return c === '{' ? 'key or end' : 'value or end'
  }
  return null
}

const atTheEnd = (at: number, expecting: Expecting, open: Bracket[]): Place | null =>
  expecting === 'nothing'
    ? null
    : { at, reason: `the text ends where ${expected(expecting, open.at(-1))} should follow` }

const closes = (c: string, open: string | undefined) => (c === '}' && open === '{') || (c === ']' && open === '[')

function whatIsWrong(c: string, expecting: Expecting, open: Bracket | undefined): string {
  if (c === '/') return 'a comment, which JSON does not have'
  if (expecting === 'nothing') return `${shown(c)} follows after the end`
  if (expecting === 'colon' || expecting === 'comma or end')
    return `${shown(c)} instead of ${expected(expecting, open)}`
  if (c === '"') return 'a string that is not closed in its line, or holds a wrong escape'
  if (c === "'") return 'a single quote: JSON has double quotes only'
  if ((c === '}' || c === ']') && !expecting.endsWith('or end')) return `a comma too many before ${shown(c)}`
  return `${shown(c)} instead of ${expected(expecting, open)}`
}

function expected(expecting: Expecting, open: string | undefined): string {
  if (expecting === 'comma or end') return open === '{' ? '"," or "}"' : '"," or "]"'
  if (expecting === 'colon') return '":"'
  return expecting.startsWith('key') ? 'a name in double quotes' : 'a value'
}

const shown = (c: string) => (c === '"' ? 'a string' : JSON.stringify(c))

/** Comments become blanks and a last comma a blank, so that every place stays where it was. */
export function withoutComments(text: string): string {
  const blank = (found: string) => found.replace(/[^\n]/g, ' ')
  return text
    .replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g, (found) => (found.startsWith('"') ? found : blank(found)))
    .replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g, (found) => (found === ',' ? ' ' : found))
}

/**
 * The line of a field in the file, for sentences about its value: each name is looked for behind the one before.
 * @returns null when it is not found as it is written
 */
export function lineOf(text: string, path: readonly string[]): number | null {
  let at = 0
  for (const name of path) {
    const found = text.indexOf(`${JSON.stringify(name)}`, at)
    if (found < 0) return null
    at = found + 1
  }
  return text.slice(0, at).split('\n').length
}
