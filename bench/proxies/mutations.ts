/** Requests that are good or hostile, and what becomes of them when bytes of them change. */

/** From 0 to below 1. */
export type Random = () => number

/** The same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const host = 'Host: fuzz.localhost\r\n'
const smuggled = `GET /smuggled HTTP/1.1\r\n${host}\r\n`

/** One character is one byte. */
export const corpus: string[] = [
  `GET / HTTP/1.1\r\n${host}\r\n`,
  `GET /a/%2e%2e/b?c=d&e=%00 HTTP/1.1\r\n${host}Accept: */*\r\nCookie: a=b; c=d\r\nUser-Agent: fuzz\r\n\r\n`,
  `GET / HTTP/1.1\r\n${host}\r\n${smuggled}${smuggled}`,
  `HEAD / HTTP/1.1\r\n${host}\r\n${smuggled}`,
  `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello${smuggled}`,
  `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${smuggled}`,
  `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n00\r\nX-Trailer: y\r\n\r\n${smuggled}`,
  `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${smuggled}`,
  `POST / HTTP/1.1\r\n${host}Transfer-Encoding: \x0bchunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG${smuggled}`,
  `GET / HTTP/1.1\r\n${host}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
  `POST / HTTP/1.1\r\n${host}Content-Length: 18446744073709551617\r\n\r\nx`,
  `POST / HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`,
  `GET / HTTP/1.1\r\n${host}X-Name: caf\xe9\r\n\r\n${smuggled}`,
  `GET / HTTP/1.1\r\n${host}X-Folded: a\r\n b\r\n\r\n`,
  `GET / HTTP/1.1\nHost: fuzz.localhost\n\n`,
  `GET http://fuzz.localhost/ HTTP/1.1\r\n${host}\r\n`,
  `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
  `CONNECT fuzz.localhost:80 HTTP/1.1\r\n${host}\r\n${smuggled}`,
  `GET / HTTP/1.0\r\n${host}Connection: keep-alive\r\n\r\n${smuggled}`,
  `GET / HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n${smuggled}`,
  `GET / HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
  `GET / HTTP/1.1\r\n${host}Connection: close, X-Forwarded-For, Host\r\nX-Forwarded-For: 192.0.2.1\r\nX-Request-Id: forged\r\n\r\n`,
  `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0`,
  `PROXY TCP4 192.0.2.1 203.0.113.9 50000 443\r\nGET / HTTP/1.1\r\n${host}\r\n`,
  `\x16\x03\x01\0\xc4\x01\0\0\xc0\x03\x03`,
  `GET / HTTP/1.1\r\n${host}${'X-Many: y\r\n'.repeat(150)}\r\n`,
  `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`,
]

/** What parsers trip over, besides single bytes. */
const morsels = ['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\t', '\0', ':', ';', ',', '0\r\n\r\n', 'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding:\tchunked\r\n', 'Host: fuzz.localhost\r\n', 'Connection: close\r\n', 'Connection: keep-alive\r\n', 'Upgrade: websocket\r\n', 'ffffffffffffffff\r\n', '7fffffff\r\n', '\xff', '\x80', 'HTTP/1.1', 'HTTP/1.0'] // prettier-ignore

const MOST = 6

/** @returns the request with up to six changes; now and then as it is */
export function mutate(request: string, random: Random): Buffer {
  let text = request
  for (let left = Math.floor(random() * (MOST + 1)); left > 0; left--) text = change(text, random)
  return Buffer.from(text, 'latin1')
}

function change(text: string, random: Random): string {
  const at = Math.floor(random() * text.length)
  const length = Math.ceil(random() * 8)
  const morsel = morsels[Math.floor(random() * morsels.length)] ?? ''
  const byte = String.fromCharCode(Math.floor(random() * 256))
  const ways = [
    () => text.slice(0, at) + byte + text.slice(at + 1),
    () =>
      text.slice(0, at) +
      String.fromCharCode(text.charCodeAt(at) ^ (1 << Math.floor(random() * 8))) +
      text.slice(at + 1),
    () => text.slice(0, at) + morsel + text.slice(at),
    () => text.slice(0, at) + text.slice(at + length),
    () => text.slice(0, at) + text.slice(at, at + length).repeat(2) + text.slice(at + length),
    () => text.slice(0, at),
    () => text + (corpus[Math.floor(random() * corpus.length)] ?? ''),
    () => swapCase(text, at, length),
  ]
  return (ways[Math.floor(random() * ways.length)] ?? (() => text))()
}

function swapCase(text: string, at: number, length: number): string {
  const swapped = [...text.slice(at, at + length)].map((one) =>
    one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase(),
  )
  return text.slice(0, at) + swapped.join('') + text.slice(at + length)
}
