/**
 * Speaks to the API on the page's own origin. A session's cookie goes along by itself; a token that somebody pasted is held in
 * memory alone and is gone with the page.
 */
import type { Problem } from '../../../core/contract/api.ts'

/** The API's no, or the network's: `message` is a sentence for the person. */
export class ApiError extends Error {
  /** The HTTP status; 0: nothing answered. */
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

let token: string | null = null
let onExpired: () => void = () => {}

export const setToken = (next: string | null): void => void (token = next)
export const hasToken = (): boolean => token !== null
/** @param tell is called when an answer says that nobody is signed in (any more) */
export const whenExpired = (tell: () => void): void => void (onExpired = tell)

/**
 * One request. What changes something is sent again when the network broke off, where that cannot do it twice.
 * @returns what was answered, as it is
 * @throws ApiError for every answer that is no success, and where there is none
 */
export async function request(method: Method, path: string, settings: RequestSettings = {}): Promise<Response> {
  const once = isRepeatable(method, settings) ? { 'idempotency-key': newKey() } : null
  for (const waitMs of once ? AGAIN_MS : []) {
    try {
      return await ask(method, path, { ...settings, headers: { ...settings.headers, ...once } })
    } catch (error) {
      if (!isPassing(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
  return ask(method, path, { ...settings, headers: { ...settings.headers, ...once } })
}

const AGAIN_MS = [400, 1600]

/** PUT and PATCH say how it shall be; a POST carries a key by which the API knows it again. Signing in is not of those. */
const isRepeatable = (method: Method, { quietly = false }: RequestSettings): boolean =>
  ['PUT', 'PATCH', 'POST'].includes(method) && !quietly

/** Nothing answered, or the API is still at what was sent before. */
const isPassing = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 0 || error.code === 'CALL_UNDER_WAY')

/** crypto.randomUUID is only for pages that came over HTTPS. */
const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')

async function ask(
  method: Method,
  path: string,
  { body, signal, accept = 'application/json', quietly = false, headers = {} }: RequestSettings,
): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: {
      accept,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    cache: 'no-store',
    credentials: 'same-origin',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new ApiError(
      0,
      'UNREACHABLE',
      'The API cannot be reached. Check your connection; the page tries again by itself.',
    )
  })
  if (response.ok) return response
  const problem = await problemOf(response)
  // A wrong password or code is refused with a 401, too, and ends nothing.
  if (response.status === 401 && ['UNAUTHENTICATED', ''].includes(problem.code) && !quietly) onExpired()
  throw problem
}

export type RequestSettings = {
  body?: unknown
  signal?: AbortSignal | undefined
  accept?: string
  /** A 401 is an answer here, and does not end the session. */
  quietly?: boolean
  headers?: Record<string, string>
}

/** @throws ApiError */
export async function call<T>(method: Method, path: string, settings: RequestSettings = {}): Promise<T> {
  const response = await request(method, path, settings)
  if (response.status === 204) return undefined as T
  return (await response.json()) as T
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>('GET', path, { signal })

/**
 * Reads newline-delimited JSON as it comes.
 * @throws ApiError when it cannot be had; ends without an error where the answer ends
 */
export async function readLines<T>(path: string, onValues: (values: T[]) => void, signal: AbortSignal): Promise<void> {
  const response = await request('GET', path, { signal, accept: 'application/x-ndjson' })
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunksOf(response)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    const values = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T)
    if (values.length > 0) onValues(values)
  }
}

/** ReadableStream's own async iterator is not in every browser that people have. */
export async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.releaseLock()
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null)
  const { detail, code } = (body ?? {}) as Partial<Problem>
  const sentence = typeof detail === 'string' ? detail : `The API answered with HTTP status ${response.status}.`
  return new ApiError(response.status, typeof code === 'string' ? code : '', sentence)
}

/** A part of a path, from a name that anybody may have chosen. */
export const part = (name: string | number): string => encodeURIComponent(name)
