/**
 * One HTTP request to where a tenant says (C12): to an address that was judged, over TLS with the name's own certificate,
 * without following redirects, and with ends to its time and to what comes back.
 */
import { request as requestPlain, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent, request as requestTls } from 'node:https'
import type { LookupFunction } from 'node:net'
import { readAddress } from '#core/domain/network.ts'
import { BerthError, messageOf, outboundFailed, outboundRefused } from '#core/domain/errors.ts'
import type { OutboundPolicy } from './address.ts'
import { destinationOf, type Destination, type ResolveName } from './resolve.ts'
import { faultOfUrl, hostOf } from './url.ts'

export type OutboundRequest = {
  url: string
  method: 'POST' | 'GET' | 'PUT'
  headers: Record<string, string>
  body: string | Uint8Array | null
  /** From the look into DNS to the answer's last byte; left out: 15 s. */
  timeoutMs?: number
  /** What is kept of the answer's body; the rest is not read. Left out: 16 KiB. */
  maxAnswerBytes?: number
}

/** Any status is an answer, a redirect, too. */
export type OutboundAnswer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
  /** Ran into maxAnswerBytes. */
  isCut: boolean
}

export type Outbound = {
  /** @throws OUTBOUND_REFUSED where it may not go, OUTBOUND_FAILED where it did not arrive */
  send(request: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer>
  /**
   * For what is not HTTP: the addresses of a host that may be connected to, to be used as they are, for one connection.
   * @throws as send
   */
  addressesOf(host: string): Promise<Destination>
  /** PEM bundle of the authorities that vouch for servers, for what is not HTTP; null: those that Node trusts. */
  ca: string | null
}

export type OutboundContext = {
  /** Asked anew for each connection, since a machine's addresses change. */
  policy: () => OutboundPolicy
  resolve: ResolveName
  /** PEM bundle of the authorities that vouch for servers; null: those that Node trusts. */
  ca: string | null
}

const TIMEOUT_MS = 15_000
const MAX_ANSWER_BYTES = 16 * 1024

export function createOutbound({ policy, resolve, ca }: OutboundContext): Outbound {
  // Of our own, and without keeping connections: the next request is judged anew.
  const agent = new Agent({ keepAlive: false, ...(ca === null ? {} : { ca }) })
  const addressesOf = (host: string) => destinationOf(host, policy(), resolve)

  return {
    addressesOf,
    ca,
    async send(request, signal) {
      const fault = faultOfUrl(request.url)
      if (fault !== null) throw outboundRefused(`The URL ${fault}`)
      const url = new URL(request.url)
      const limit = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS)
      const ending = AbortSignal.any([signal, limit])
      try {
        const destination = await until(addressesOf(hostOf(url)), ending)
        if (url.protocol === 'http:' && destination.judgement !== 'named')
          throw outboundRefused('The URL must begin with https://')
        return await exchange(url, request, destination, agent, ending)
      } catch (error) {
        if (error instanceof BerthError) throw error
        signal.throwIfAborted()
        throw outboundFailed(describe(error, url, limit.aborted, request.timeoutMs ?? TIMEOUT_MS), error)
      }
    },
  }
}

/** A look into DNS cannot be cancelled; it is left to end by itself. */
function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const end = () => reject(signal.reason as Error)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', end))
}

function exchange(
  url: URL,
  { method, headers, body, maxAnswerBytes = MAX_ANSWER_BYTES }: OutboundRequest,
  { addresses }: Destination,
  agent: Agent,
  signal: AbortSignal,
): Promise<OutboundAnswer> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      signal,
      // Node asks this instead of DNS: there is no second look that could say something else (rebinding).
      lookup: fixed(addresses),
      headers: { ...headers, ...(body === null ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }) },
    }
    const call: ClientRequest =
      url.protocol === 'https:'
        ? requestTls(url, { ...options, agent })
        : requestPlain(url, { ...options, agent: false })
    call.on('error', reject)
    call.on('response', (response) =>
      readAnswer(response, maxAnswerBytes)
        .then(resolve, reject)
        .finally(() => call.destroy()),
    )
    call.end(body ?? undefined)
  })
}

async function readAnswer(response: IncomingMessage, most: number): Promise<OutboundAnswer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes > most) break
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(pieces).subarray(0, most).toString('utf8'),
    isCut: bytes > most,
  }
}

function fixed(addresses: string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: readAddress(address)?.version ?? 0 }))
  return (_name, options, done) => {
    const [first] = all
    if (options.all) done(null, all)
    else if (first) done(null, first.address, first.family)
  }
}

/** Without the addresses that Node's messages name. */
function describe(error: unknown, url: URL, isLate: boolean, timeoutMs: number): string {
  const { code } = error as NodeJS.ErrnoException
  if (isLate) return `${url.host} did not answer within ${timeoutMs / 1000} s`
  if (code !== undefined && Object.hasOwn(sentences, code)) return `${url.host} ${sentences[code]}`
  if (code !== undefined && /CERT|SIGNATURE|ERR_TLS/.test(code))
    return `the certificate of ${url.host} is not valid for it (${code})`
  return `the connection to ${url.host} failed (${code ?? messageOf(error)})`
}

const sentences: Record<string, string> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'broke the connection off',
  ETIMEDOUT: 'could not be reached in time',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
}
