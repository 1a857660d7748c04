/** Keeps a client on one instance: a cookie says which, in a form that tells nothing about the instance. */
import type { AppId } from '#core/domain/ids.ts'
import type { Endpoint } from '#core/domain/route.ts'

/** A one-way digest of a text, as lower-case hex. */
export type Digest = (text: string) => string

/** Each app has a cookie of its own, because apps below different paths share a host, and so its cookies. */
export const stickyName = (app: AppId, digest: Digest): string => `Berth-Instance-${digest(app).slice(0, 8)}`

/** An instance's id has 65 random bits, so its digest cannot be searched; it is another one after a new start elsewhere. */
export function stickyValue(endpoint: Endpoint, digest: Digest): string {
  let value = values.get(endpoint)
  if (value === undefined) {
    value = digest(`${endpoint.instanceId}:${endpoint.epoch}`).slice(0, 24)
    values.set(endpoint, value)
  }
  return value
}

/** Each is needed with every request. */
const values = new WeakMap<Endpoint, string>()

/**
 * The endpoint that a client's cookie names.
 * @param cookies the request's Cookie field (RFC 6265 §4.2.1), several joined with `; `; null when there is none
 * @returns null when it names none that is in the list: then any will do, and the client is told of that one
 */
export function stickyEndpoint(
  app: AppId,
  endpoints: readonly Endpoint[],
  cookies: string | null,
  digest: Digest,
): Endpoint | null {
  if (cookies === null || cookies === '') return null
  const value = cookieOf(cookies, stickyName(app, digest))
  if (value === null) return null
  return endpoints.find((endpoint) => stickyValue(endpoint, digest) === value) ?? null
}

/** The Set-Cookie field's value for a response from an endpoint. @param secure whether the client came by HTTPS */
export const stickyCookie = (app: AppId, endpoint: Endpoint, secure: boolean, digest: Digest): string =>
  `${stickyName(app, digest)}=${stickyValue(endpoint, digest)}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`

/** Of several of one name the first counts, which is that of the longest path (RFC 6265 §5.4). */
function cookieOf(cookies: string, name: string): string | null {
  for (const pair of cookies.split(';')) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return null
}
