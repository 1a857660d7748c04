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

/** @throws JsonFault at the first thing that is no JSON; a name given twice is one, since one of the two would be lost */
export function readJson(text: string): Json {
  let at = 0

  function value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new JsonFault(`it is nested more than ${MAX_DEPTH} levels deep`, at)
    blank()
    if (text[at] === '{') return object(depth)
    if (text[at] === '[') return list(depth)
    return text[at] === '"' ? { at, kind: 'text', value: string() } : plain()
  }

  function object(depth: number): Json {
    const start = at++
    const members = new Map<string, Json>()
    for (blank(); text[at] !== '}'; blank()) {
      if (members.size > 0) expect(',', 'a comma or }')
      blank()
      const name = { at, text: text[at] === '"' ? string() : fail('a name in double quotes') }
      if (members.has(name.text)) throw new JsonFault(`the name ${JSON.stringify(name.text)} is there twice`, name.at)
      blank()
      expect(':', 'a colon')
      members.set(name.text, value(depth + 1))
    }
    at++
    return { at: start, kind: 'object', members }
  }

  function list(depth: number): Json {
    const start = at++
    const items: Json[] = []
    for (blank(); text[at] !== ']'; blank()) {
      if (items.length > 0) expect(',', 'a comma or ]')
      items.push(value(depth + 1))
    }
    at++
    return { at: start, kind: 'list', items }
  }

  function string(): string {
    const start = at
    const literal = take(/"(?:[^"\\\r\n]|\\.)*"/y)
    try {
      if (literal !== null) return JSON.parse(literal) as string
    } catch {
      // It holds a control character, or a backslash before what needs none.
    }
    throw new JsonFault('this text in double quotes does not end on its line, or holds a tab or a wrong \\', start)
  }

  function plain(): Json {
    const start = at
    const literal = take(/(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y)
    if (literal === null) return fail('a value')
    return { at: start, kind: 'other', value: JSON.parse(literal) as number | boolean | null }
  }

  const blank = () => void take(/[ \t\r\n]*/y)

  function take(pattern: RegExp): string | null {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? null
    at += found?.length ?? 0
    return found
  }

  function expect(character: string, what: string): void {
    if (text[at] !== character) fail(what)
    at++
  }

  function fail(expected: string): never {
    const found =
      at >= text.length ? 'the end of the file' : JSON.stringify(/^[\w.+-]{1,20}|[^]/u.exec(text.slice(at))?.[0])
    throw new JsonFault(`expected ${expected}, found ${found}`, at)
  }

  const json = value(0)
  blank()
  if (at < text.length) fail('nothing more')
  return json
}

/** As editors count: both from 1. */
export function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
