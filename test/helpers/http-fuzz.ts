/** Makes up HTTP messages: most of them nearly right, since what is wholly wrong is refused at its first byte. */

/** At least 0, less than 1. */
export type Chance = () => number

/** Numbers that look like chance, and are the same for the same seed. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0
  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const upTo = (chance: Chance, most: number): number => Math.floor(chance() * (most + 1))
const oneOf = <Item>(chance: Chance, items: readonly Item[]): Item => items[upTo(chance, items.length - 1)] as Item
const some = (chance: Chance, most: number, alphabet: string): string =>
  Array.from({ length: upTo(chance, most) }, () => alphabet[upTo(chance, alphabet.length - 1)]).join('')

const visible = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).join('')
const odd = '\0\x01\t\n\v\f\r !"#%(),/:;=?@[\\]_{}\x7f\x80\x85\xa0\xad\xe9\xff'

const methods = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const hosts = ['app.test', 'app.test:80', 'APP.test.', '127.0.0.1:8080', '[::1]:80', 'xn--a.b-c', 'a:65535', 'a_b.test']
const names = [
  'Accept',
  'Cookie',
  'User-Agent',
  'X-Forwarded-For',
  'x-forwarded-proto',
  'X-Request-Id',
  'Forwarded',
  'Berth-Error',
  'constructor',
  '__proto__',
  'Content-Lengt',
  'Transfer-Encodings',
  'X-Real-IP',
  'TE',
  'Trailer',
  'Upgrade',
  'Keep-Alive',
  'Proxy-Connection',
  'Expect',
  'HTTP2-Settings',
  'Content_Length',
  'Content-Length',
  'Connection',
]

/** A request with its body. */
export function aRequest(chance: Chance): string {
  const body = some(chance, 40, `${visible}\r\n\0\xff`)
  const isChunked = chance() < 0.2
  const fields = [`Host: ${oneOf(chance, hosts)}`]
  if (isChunked) fields.push('Transfer-Encoding: chunked')
  else if (body !== '' && chance() < 0.9) fields.push(`Content-Length: ${body.length}`)
  if (chance() < 0.3)
    fields.push(`Connection: ${oneOf(chance, ['keep-alive', 'close', 'Keep-Alive', 'Close', 'Upgrade'])}`)
  for (let left = upTo(chance, 6); left > 0; left -= 1) fields.splice(upTo(chance, fields.length), 0, aField(chance))
  const line = `${oneOf(chance, methods)} /${some(chance, 30, visible.replace(/[#\\]/g, ''))} HTTP/1.1`
  const payload = isChunked ? someChunks(chance, body) : body !== '' && hasLength(fields) ? body : ''
  return `${line}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${payload}`
}

const hasLength = (fields: readonly string[]): boolean => fields.some((field) => field.startsWith('Content-Length: '))

function aField(chance: Chance): string {
  const roll = chance()
  if (roll < 0.1) return `${oneOf(chance, names)}: ${some(chance, 12, visible)}`
  if (roll < 0.12) return `X-${some(chance, 5, odd)}: a`
  if (roll < 0.14) return `X-Odd:${some(chance, 6, odd)}`
  const space = roll < 0.18 ? oneOf(chance, ['', '  ', '\t', ' \t']) : ' '
  return `X-${some(chance, 8, 'abcXYZ019-')}:${space}${`a${some(chance, 20, `${visible} \t`)}`.trim()}`
}

function someChunks(chance: Chance, body: string): string {
  let text = ''
  for (let at = 0; at < body.length;) {
    const size = 1 + upTo(chance, body.length - at - 1)
    const zeros = '0'.repeat(chance() < 0.1 ? upTo(chance, 4) : 0)
    const extension = chance() < 0.1 ? oneOf(chance, [';a', ';a=b', ';a="b c"', ';a="\\""']) : ''
    const digits = chance() < 0.5 ? size.toString(16) : size.toString(16).toUpperCase()
    text += `${zeros}${digits}${extension}\r\n${body.slice(at, at + size)}\r\n`
    at += size
  }
  const trailer = chance() < 0.1 ? oneOf(chance, ['X-Sum: 1\r\n', 'X-A: b\r\nX-C: d\r\n', `${aField(chance)}\r\n`]) : ''
  return `${text}0\r\n${trailer}\r\n`
}

/** A response with its body. */
export function aResponse(chance: Chance): string {
  const status = oneOf(chance, ['200', '200', '204', '304', '404', '101', '103', '500', '099', '600'])
  const body = some(chance, 40, `${visible}\r\n\0\xff`)
  const isChunked = chance() < 0.4
  const fields = isChunked ? ['Transfer-Encoding: chunked'] : chance() < 0.8 ? [`Content-Length: ${body.length}`] : []
  for (let left = upTo(chance, 6); left > 0; left -= 1) fields.splice(upTo(chance, fields.length), 0, aField(chance))
  const line = `HTTP/1.${oneOf(chance, ['0', '1', '1', '1'])} ${status}${oneOf(chance, ['', ' ', ' OK', ' Not Found'])}`
  return `${line}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${isChunked ? someChunks(chance, body) : body}`
}

const splinters = [
  '\r\n',
  '\r',
  '\n',
  ' ',
  '\t',
  ':',
  '\0',
  '\r\n ',
  '\r\n\r\n',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Host: b.test\r\n',
  'Transfer-Encoding',
  'chunked',
  '0\r\n\r\n',
  'HTTP/1.1',
  'GET / HTTP/1.1\r\nHost: c.test\r\n\r\n',
]

/** The text with a few faults, most of them where something ends. */
export function mutated(chance: Chance, text: string): string {
  let result = text
  for (let left = 1 + upTo(chance, 2); left > 0; left -= 1) {
    const at = chance() < 0.5 ? afterDelimiter(chance, result) : upTo(chance, result.length)
    const removed = chance() < 0.5 ? upTo(chance, 2) : 0
    const added = chance() < 0.5 ? some(chance, 2, odd + visible) : chance() < 0.6 ? oneOf(chance, splinters) : ''
    result = result.slice(0, at) + added + result.slice(at + removed)
  }
  return result
}

function afterDelimiter(chance: Chance, text: string): number {
  const from = upTo(chance, text.length)
  const next = text.slice(from).search(/[\r\n: ]/)
  return next < 0 ? from : from + next + upTo(chance, 1)
}
