/**
 * Speaks to the API: JSON in, JSON or newline-delimited JSON out, errors as CliErrors.
 *
 * It uses node:http rather than fetch, because fetch gives up on a body that is silent for five minutes, which is what
 * `berth logs --tail` of a quiet app looks like.
 */
import { randomUUID } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Problem } from '#core/contract/api.ts'
import type { Answer, Asked, Asking, PathOf } from '#core/contract/operations/call.ts'
import type { Credentials } from './credentials.ts'
import { sendUntilAnswered } from './retry.ts'
import { notBerth, refused, unreachable, usage } from './failures.ts'

/** What a call is sent with; each name of its path is encoded. */
export type Sent = { query?: Query | undefined; body?: unknown; [name: string]: unknown }
export type Query = Record<string, string | undefined>

/** The calls of JSON, as the API's table of operations has them. */
export type Calls = {
  /** @param withinMs how long the answer may take to begin */
  get: <P extends PathOf<'GET'>>(
    path: P,
    ...rest: [...Asking<'GET', P>, withinMs?: number]
  ) => Promise<Answer<'GET', P>>
  post: <P extends PathOf<'POST'>>(path: P, ...asking: Asking<'POST', P>) => Promise<Answer<'POST', P>>
  patch: <P extends PathOf<'PATCH'>>(path: P, ...asking: Asking<'PATCH', P>) => Promise<Answer<'PATCH', P>>
  delete: <P extends PathOf<'DELETE'>>(path: P, ...asking: Asking<'DELETE', P>) => Promise<Answer<'DELETE', P>>
}

export type Client = Calls & {
  apiUrl: string
  /** For the connections that are not requests. */
  token: string
  /** A list as a whole, however many pages it comes in. */
  list: <P extends PathOf<'GET'>>(path: P, ...asking: Asking<'GET', P>) => Promise<Answer<'GET', P>>
  /** A body of another kind than JSON, and how long it is; null: the API does not say. */
  download: <P extends PathOf<'GET'>>(
    path: P,
    ...asking: Asking<'GET', P>
  ) => Promise<{ content: Readable; bytes: number | null }>
  /** Sends a body of a known length as it comes. @throws what reading it throws */
  upload: <P extends PathOf<'POST'>>(path: P, asked: Asked<'POST', P>, body: Upload) => Promise<Answer<'POST', P>>
  /** Yields each line's value until the API ends the answer; there is no limit on how long that takes. */
  stream: <P extends PathOf<'GET'>>(
    path: P,
    ...asking: Asking<'GET', P>
  ) => AsyncGenerator<Answer<'GET', P>, void, undefined>
}

export type Upload = { type: string; length: number; body: AsyncIterable<Uint8Array> }

/** An answer begins within this time, or the API counts as unreachable. */
const ANSWER_WITHIN_MS = 30_000

type Sending = {
  body?: unknown
  /** Under which it is done once. */
  key?: string | undefined
  /** How long the answer may take to begin. */
  withinMs?: number | undefined
}

/** The client trusts the API's answers to have the contract's shapes: both come from the same checkout. */
export function createClient({ apiUrl, token }: Credentials): Client {
  const call = async (method: string, path: string, sent: Sent = {}, sending: Sending = {}): Promise<unknown> => {
    const response = await send(apiUrl, token, method, urlOf(apiUrl, path, sent), { body: sent.body, ...sending })
    return readJson(apiUrl, response)
  }
  const open = async (path: string, sent?: Sent): Promise<IncomingMessage> => {
    const response = await send(apiUrl, token, 'GET', urlOf(apiUrl, path, sent))
    if (statusOf(response) !== 200) await readJson(apiUrl, response)
    return response
  }
  return untyped({
    apiUrl,
    token,
    get: (path, sent, withinMs) => call('GET', path, sent, { withinMs }),
    list: (path, sent) =>
      readPages((cursor) => call('GET', path, { ...sent, query: { ...sent?.query, cursor } }) as Promise<Page>),
    // Done once, also where the connection breaks off and it is sent again.
    post(path, sent) {
      const key = randomUUID()
      return sendUntilAnswered(() => call('POST', path, { body: {}, ...sent }, { key }))
    },
    patch: (path, sent) => call('PATCH', path, sent),
    delete: (path, sent) => call('DELETE', path, sent),
    async download(path, sent) {
      const content = await open(path, sent)
      const bytes = content.headers['content-length']
      return { content, bytes: bytes === undefined ? null : Number(bytes) }
    },
    async upload(path, sent, upload) {
      return readJson(apiUrl, await sendStream(apiUrl, token, urlOf(apiUrl, path, sent), upload))
    },
    async *stream(path, sent) {
      for await (const line of linesOf(apiUrl, await open(path, sent))) yield parseJson(apiUrl, line)
    },
  })
}

/** A client by what it does at run time: the table of operations is types alone here, and its schemas are not loaded. */
type Untyped = {
  apiUrl: string
  token: string
  get: (path: string, sent?: Sent, withinMs?: number) => Promise<unknown>
  list: (path: string, sent?: Sent) => Promise<unknown>
  post: (path: string, sent?: Sent) => Promise<unknown>
  patch: (path: string, sent?: Sent) => Promise<unknown>
  delete: (path: string, sent?: Sent) => Promise<unknown>
  download: (path: string, sent?: Sent) => Promise<{ content: Readable; bytes: number | null }>
  upload: (path: string, sent: Sent, upload: Upload) => Promise<unknown>
  stream: (path: string, sent?: Sent) => AsyncGenerator<unknown, void, undefined>
}
const untyped = (client: Untyped): Client => client as unknown as Client

type Page = { next?: string; [name: string]: unknown }

/** The lists of all pages as one, under their name. */
async function readPages(read: (cursor?: string) => Promise<Page>): Promise<unknown> {
  const { next: second, ...whole } = await read()
  for (let cursor = second; cursor !== undefined;) {
    const { next, ...page } = await read(cursor)
    for (const [name, items] of Object.entries(page)) {
      const before = whole[name]
      if (Array.isArray(before) && Array.isArray(items)) before.push(...(items as unknown[]))
    }
    cursor = next
  }
  return whole
}

/** @throws a usage error for a name that would climb to another path */
export function urlOf(apiUrl: string, path: string, { query = {}, ...names }: Sent = {}): URL {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => segmentOf(String(names[name])))
  const url = new URL(`${apiUrl}/v1${filled}`)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
  return url
}

function segmentOf(name: string): string {
  if (name === '' || name === '.' || name === '..') throw usage(`"${name}" cannot be a name.`)
  return encodeURIComponent(name)
}

/** TLS is a quarter of what a command's start takes, so it is loaded where it is spoken. */
const requestFor = async ({ protocol }: URL): Promise<typeof httpRequest> =>
  protocol === 'https:' ? (await import('node:https')).request : httpRequest

/** @returns the response as soon as its head is there */
async function send(
  apiUrl: string,
  token: string,
  method: string,
  url: URL,
  { body, key, withinMs = ANSWER_WITHIN_MS }: Sending = {},
): Promise<IncomingMessage> {
  const payload = body === undefined ? null : Buffer.from(JSON.stringify(body))
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json, application/x-ndjson, application/problem+json',
    'user-agent': 'berth-cli',
    ...(key === undefined ? {} : { 'idempotency-key': key }),
    ...(payload === null ? {} : { 'content-type': 'application/json', 'content-length': payload.length }),
  }
  const requestOf = await requestFor(url)
  return new Promise((resolve, reject) => {
    const request = requestOf(url, { method, headers })
    const timer = setTimeout(() => request.destroy(new Error('it does not answer')), withinMs)
    request.on('response', (response) => {
      clearTimeout(timer)
      resolve(response)
    })
    request.on('error', (error) => {
      clearTimeout(timer)
      reject(unreachable(apiUrl, reasonOf(error), error))
    })
    request.end(payload ?? undefined)
  })
}

/** An answer that comes before the end, such as a refusal, ends the sending. */
async function sendStream(
  apiUrl: string,
  token: string,
  url: URL,
  { type, length, body }: Upload,
): Promise<IncomingMessage> {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json, application/problem+json',
    'user-agent': 'berth-cli',
    'content-type': type,
    'content-length': length,
  }
  const requestOf = await requestFor(url)
  return new Promise((resolve, reject) => {
    const request = requestOf(url, { method: 'POST', headers })
    const source = Readable.from(body, { objectMode: false })
    request.on('response', (response) => {
      source.unpipe(request)
      source.destroy()
      resolve(response)
    })
    request.on('error', (error) => reject(unreachable(apiUrl, reasonOf(error), error)))
    source.on('error', (error) => {
      request.destroy()
      reject(error)
    })
    source.pipe(request)
  })
}

/** @returns the body's value, or null for no content */
async function readJson(apiUrl: string, response: IncomingMessage): Promise<unknown> {
  const status = statusOf(response)
  // The token is for this API alone, so a redirection is not followed.
  if (status >= 300 && status < 400) {
    response.resume()
    throw notBerth(apiUrl, `it redirects to ${response.headers.location ?? 'nowhere'}`)
  }
  const body = await read(apiUrl, response)
  if (status < 300) return body === '' ? null : parseJson(apiUrl, body)
  const problem = problemIn(body)
  throw problem === null ? notBerth(apiUrl, `HTTP status ${status} without a problem description`) : refused(problem)
}

async function read(apiUrl: string, response: IncomingMessage): Promise<string> {
  try {
    return await text(response)
  } catch (error) {
    throw unreachable(apiUrl, 'the connection broke off', error)
  }
}

/** Splits at newlines; blank lines, which keep idle connections open, are skipped. */
async function* linesOf(apiUrl: string, response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8')
  let rest = ''
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.trim() !== '') yield line
    }
  } catch (error) {
    throw unreachable(apiUrl, 'the connection broke off', error)
  }
  if (rest.trim() !== '') yield rest
}

function parseJson(apiUrl: string, body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw notBerth(apiUrl, 'its answer is not JSON')
  }
}

function problemIn(body: string): Problem | null {
  try {
    const { detail, code, requestId, status } = JSON.parse(body) as Partial<Record<keyof Problem, unknown>>
    const whole = [detail, code, requestId].every((field) => typeof field === 'string') && typeof status === 'number'
    return whole ? (JSON.parse(body) as Problem) : null
  } catch {
    return null
  }
}

const statusOf = (response: IncomingMessage) => response.statusCode ?? 0

function reasonOf(error: NodeJS.ErrnoException): string {
  // With several addresses tried, the sentences are in the parts and the whole one is empty.
  if (error instanceof AggregateError) return reasonOf(error.errors[0] as NodeJS.ErrnoException)
  if (error.code === 'ECONNREFUSED') return 'nothing listens there'
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') return 'the host name is not known'
  if (error.code === 'ECONNRESET') return 'the connection broke off'
  return error.message
}
