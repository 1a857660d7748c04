/** A drain over HTTPS: newline-delimited JSON, a batch a request, with the drain's token as a bearer. */
import type { DrainLine } from '#core/domain/drain.ts'
import type { Outbound } from '../outbound/index.ts'
import { LinesRefused, type Sink } from './sink.ts'

/** What is wrong with the lines themselves (RFC 9110 §15.5): too many, or not as the receiver wants them. */
const REFUSALS = [400, 413, 415, 422]

export function httpsSink(url: string, token: string | null, outbound: Pick<Outbound, 'send'>): Sink {
  const headers = {
    'Content-Type': 'application/x-ndjson',
    'User-Agent': 'berth-drain',
    ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
  }
  return {
    async send(lines, signal) {
      const body = lines.map((line: DrainLine) => `${JSON.stringify(line)}\n`).join('')
      const { status } = await outbound.send({ url, method: 'POST', headers, body }, signal)
      if (status >= 200 && status < 300) return
      const sentence = `It answered with ${status}.`
      throw REFUSALS.includes(status) ? new LinesRefused(sentence) : new Error(sentence)
    },
    close() {},
  }
}
