/** One request to the controller's listener for agents. What came back is a Response, as fetch gives it. */
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CONTROLLER_NAME } from '#core/contract/enrolment.ts'
import type { Credentials } from './file.ts'

export type Asked = {
  method?: 'GET' | 'HEAD' | 'PUT' | 'POST'
  headers?: Record<string, string>
  /** Opened for this request alone. */
  body?: () => Readable
}

/**
 * Connections on which the controller has to show a certificate of its authority, and we show ours.
 * @param given without key and certificate: who has not joined yet
 */
export const connectionsBy = (given: Pick<Credentials, 'authority'> & Partial<Credentials>): Agent =>
  new Agent({
    keepAlive: true,
    minVersion: 'TLSv1.3',
    ca: given.authority,
    // By whatever name or address it is reached.
    servername: CONTROLLER_NAME,
    ...(given.key === undefined ? {} : { key: given.key }),
    ...(given.certificate === undefined ? {} : { cert: given.certificate }),
  })

/** @throws when there is no answer */
export function ask(agent: Agent, url: string, asked: Asked, signal: AbortSignal): Promise<Response> {
  const { method = 'GET', headers = {}, body } = asked
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent, signal }, (answer) => resolve(responseOf(answer, method)))
    sent.on('error', reject)
    if (!body) return void sent.end()
    // An answer may come before all was sent, and is what counts then.
    pipeline(body(), sent).catch(reject)
  })
}

const BODILESS = new Set([204, 205, 304])

function responseOf(answer: IncomingMessage, method: string): Response {
  const { statusCode: status = 502 } = answer
  const headers = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  )
  const isBare = method === 'HEAD' || BODILESS.has(status)
  if (isBare) answer.on('error', () => {}).resume()
  return new Response(isBare ? null : (Readable.toWeb(answer) as ReadableStream), { status, headers })
}
