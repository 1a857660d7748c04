/** The head of a request as an app gets it: always made from what was parsed, never copied from what was not (P4). */
import type { Call, Origin } from '../call.ts'
import { CHUNKED } from '../wire/framing.ts'
import { viaText } from '../wire/via.ts'

export function requestText(call: Call, wall: number): string {
  const { head } = call
  const { host, body } = head
  return (
    `${head.method} ${head.target} HTTP/1.1\r\nHost: ${host}\r\n${head.fields}` +
    (body >= 0 ? `Content-Length: ${body}\r\n` : body === CHUNKED ? 'Transfer-Encoding: chunked\r\n' : '') +
    (head.upgrade === 'websocket' ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : '') +
    `${toldOf(call, wall)}\r\n`
  )
}

/** What the router says to the app of a request, as lines. @param wall when it began, ms since 1970 */
export const toldOf = ({ head, origin, id }: Call, wall: number): string =>
  `Via: ${viaText(head)}\r\n${origin.lines}X-Forwarded-Host: ${head.host}\r\nX-Request-Start: ${wall}\r\nX-Request-Id: ${id}\r\n`

/** With what an app is told of it, made once for all of a connection's requests. */
export const originFrom = (origin: Omit<Origin, 'lines'>): Origin => ({ ...origin, lines: originLines(origin) })

const originLines = ({ address, port, secure }: Pick<Origin, 'address' | 'port' | 'secure'>): string =>
  `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${secure ? 'https' : 'http'}\r\nX-Forwarded-Port: ${port}\r\n`
