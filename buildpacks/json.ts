/**
 * JSON (RFC 8259) that remembers where everything stands, so that what is wrong with a person's file can be shown by its
 * line, whether it is the syntax or a value that means nothing here. Pure.
 */
export type Json = { at: number } & (
  | { kind: 'object'; members: Map<string, Json> }
  | { kind: 'list'; items: Json[] }
  | { kind: 'text'; value: string }
  | { kind: 'other'; value: number | boolean | null }
)

/** @param at in UTF-16 units from the start of the text */
export class JsonFault extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.name = 'JsonFault'
    this.at = at
  }
}

const MAX_DEPTH = 100

// A string holds no control character as it is (RFC 8259 §7).
const aString =
  // eslint-disable-next-line no-control-regex
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const aScalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y
const space = /[ \t\r\n]*/y

/**
 * @param twice what a name means that is there twice in one object: refused, since one of the two would be lost, or the last
 * @throws JsonFault at the first thing that is no JSON
 */
export function readJson(text: string, twice: 'refused' | 'last' = 'refused'): Json {
  let at = 0

  function value(depth: number, mayEnd = false): Json {
    if (depth > MAX_DEPTH) throw new JsonFault(`it is nested more than ${MAX_DEPTH} levels deep`, at)
    const start = blank()
    if (text[at] === '{') return object(depth)
    if (text[at] === '[') return list(depth)
    const quoted = take(aString)
    if (quoted !== null) return { at: start, kind: 'text', value: JSON.parse(quoted) as string }
    const plain = take(aScalar)
    if (plain === null) return fail('a value', mayEnd)
    return { at: start, kind: 'other', value: JSON.parse(plain) as number | boolean | null }
  }

  function object(depth: number): Json {
    const start = at++
    const members = new Map<string, Json>()
    for (let first = true; !ends('}', '"," or "}"', first); first = false) {
      const nameAt = blank()
      const quoted = take(aString) ?? fail('a name in double quotes', first)
      const name = JSON.parse(quoted) as string
      if (twice === 'refused' && members.has(name))
        throw new JsonFault(`the name ${JSON.stringify(name)} is there twice`, nameAt)
      blank()
      if (text[at] !== ':') fail('":"')
      at++
      members.set(name, value(depth + 1))
    }
    return { at: start, kind: 'object', members }
  }

  function list(depth: number): Json {
    const start = at++
    const items: Json[] = []
    for (let first = true; !ends(']', '"," or "]"', first); first = false) items.push(value(depth + 1, first))
    return { at: start, kind: 'list', items }
  }

  /** Whether the bracket closes here; otherwise the next element follows. */
  function ends(bracket: string, expected: string, first: boolean): boolean {
    blank()
    const isEnd = text[at] === bracket
    if (!isEnd && !first && text[at] !== ',') fail(expected)
    if (isEnd || !first) at++
    return isEnd
  }

  /** @returns where what follows begins */
  function blank(): number {
    take(space)
    return at
  }

  function take(pattern: RegExp): string | null {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? null
    at += found?.length ?? 0
    return found
  }

  const fail = (expected: string, mayEnd = true): never => {
    throw new JsonFault(whatIsWrong(text[at], expected, mayEnd), at)
  }

  const json = value(0)
  if (blank() < text.length) throw new JsonFault(afterTheEnd(text[at] ?? ''), at)
  return json
}

/** @param mayEnd whether a closing bracket could stand here */
function whatIsWrong(found: string | undefined, expected: string, mayEnd: boolean): string {
  if (found === undefined) return `the text ends where ${expected} should follow`
  if (found === '/') return COMMENT
  if (expected.startsWith('a ')) {
    if (found === '"') return 'a string that is not closed in its line, or holds a wrong escape'
    if (found === "'") return 'a single quote: JSON has double quotes only'
    if ((found === '}' || found === ']') && !mayEnd) return `a comma too many before ${shown(found)}`
  }
  return `${shown(found)} instead of ${expected}`
}

const COMMENT = 'a comment, which JSON does not have'
const afterTheEnd = (found: string): string => (found === '/' ? COMMENT : `${shown(found)} follows after the end`)
const shown = (found: string): string => (found === '"' ? 'a string' : JSON.stringify(found))

/** What JSON.parse gives. */
export function plainOf(json: Json): unknown {
  if (json.kind === 'object') return Object.fromEntries([...json.members].map(([name, one]) => [name, plainOf(one)]))
  return json.kind === 'list' ? json.items.map(plainOf) : json.value
}

/** As editors count: both from 1. */
export function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
