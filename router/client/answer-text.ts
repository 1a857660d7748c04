/** The head of an answer as an HTTP/1 client gets it: always made from what was parsed. */
import { STATUS_CODES } from 'node:http'
import { CHUNKED, UNTIL_CLOSE, type Framing } from '../wire/framing.ts'

/** Reason phrases are ours: an app's could be anything (A08). */
const statusLines: string[] = []
for (let status = 100; status < 600; status += 1)
  statusLines[status] = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`

export const statusLine = (status: number): string => statusLines[status] as string

/** @param last nothing that follows on this connection is run (RFC 9112 §9.6) */
export const answerText = (status: number, fields: string, body: Framing, last: boolean): string =>
  statusLine(status) +
  fields +
  (body >= 0
    ? `Content-Length: ${body}\r\n`
    : body === CHUNKED || body === UNTIL_CLOSE
      ? 'Transfer-Encoding: chunked\r\n'
      : '') +
  (last ? 'Connection: close\r\n\r\n' : '\r\n')
