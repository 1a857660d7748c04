/** The head of a request that came over HTTP/2, judged by the gate like every other: from pseudo fields and fields to a RequestHead. */
import type { Refused } from '../call.ts'
import { judge } from '../gate.ts'
import { MAX_HEAD_BYTES } from '../limits.ts'
import { CHUNKED, NO_BODY } from '../wire/framing.ts'
import { isWellFormed, weightOf } from '../wire/http2-fields.ts'
import type { RequestHead } from '../wire/request-head.ts'

/**
 * @param pairs names and values alternating, as they came
 * @param ended neither body nor trailers follow
 * @param head filled when the request may enter; its content is undefined otherwise
 * @returns why it is refused, or null
 */
export function readHttp2Head(pairs: readonly string[], ended: boolean, head: RequestHead): Refused | null {
  if (weightOf(pairs) > MAX_HEAD_BYTES) return headTooLarge
  const said = takeApart(pairs)
  if (said === null) return malformed
  const { pseudo, fields } = said
  const authority = hostOf(pseudo, fields)
  if (authority === null) return twoHosts
  // What the gate would say of a request without a scheme or a path is for readers of HTTP/1.
  const target = pseudo[':path'] ?? ''
  const method = pseudo[':method'] ?? ''
  if (method !== 'CONNECT' && !isScheme(pseudo[':scheme'])) return malformed
  const headers = authority === '' ? fields : ['host', authority, ...fields]
  const refused = judge({ method, target, version: '1.1', headers }, head)
  if (refused) return refused
  return frame(headers, ended, head)
}

/** Whether the client takes trailers (RFC 9110 §10.1.4). */
export const wantsTrailers = (pairs: readonly string[]): boolean => says(pairs, 'te')

const says = (pairs: readonly string[], name: string): boolean => pairs.some((text, i) => i % 2 === 0 && text === name)

const headTooLarge: Refused = { status: 431, why: `The request's head is larger than ${MAX_HEAD_BYTES} bytes.` }
const malformed: Refused = { status: 400, why: 'Its header fields are not as HTTP/2 has them.' }
const twoHosts: Refused = { status: 400, why: 'The Host header field and the authority differ.' }
const wrongLength: Refused = { status: 400, why: 'Its body is not as long as Content-Length says.' }

type Pseudo = Partial<Record<string, string>>

const pseudoNames: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path'])

/** RFC 9113 §8.3: pseudo fields come first, each once, and there are no others. */
function takeApart(pairs: readonly string[]): { pseudo: Pseudo; fields: string[] } | null {
  const pseudo: Pseudo = Object.create(null) as Pseudo
  const fields: string[] = []
  let cookies = -1
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] as string
    const value = pairs[i + 1] as string
    if (name.charCodeAt(0) === COLON) {
      if (fields.length > 0 || !pseudoNames.has(name) || name in pseudo) return null
      pseudo[name] = value
    } else if (!isWellFormed(name, value)) return null
    // RFC 9113 §8.2.3: what a client cut into pieces for the sake of compression is one field for everyone else.
    else if (name === 'cookie' && cookies >= 0) fields[cookies] += `; ${value}`
    else {
      if (name === 'cookie') cookies = fields.length + 1
      fields.push(name, value)
    }
  }
  return { pseudo, fields }
}

/**
 * Who is asked (RFC 9113 §8.3.1). A Host field is taken out of the fields.
 * @returns '' when nobody is named, null when two are
 */
function hostOf(pseudo: Pseudo, fields: string[]): string | null {
  let host = pseudo[':authority'] ?? null
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    if (fields[i] !== 'host') continue
    const [, said = ''] = fields.splice(i, 2)
    if (host !== null && host.toLowerCase() !== said.toLowerCase()) return null
    host ??= said
  }
  return host ?? ''
}

const isScheme = (scheme: string | undefined): boolean => scheme === 'https' || scheme === 'http'

/** Without chunks: a body that has no length ends with its stream. */
function frame(headers: readonly string[], ended: boolean, head: RequestHead): Refused | null {
  if (ended && head.body > 0) return wrongLength
  head.version = '2.0'
  if (!ended && head.body === NO_BODY) head.body = CHUNKED
  head.expectsContinue = !ended && head.body !== 0 && says(headers, 'expect')
  return null
}

const COLON = 0x3a
