/**
 * The session's cookie, and which requests it counts for.
 *
 * At the address in BERTH_CONSOLE_URL, which must be https, it is `__Host-berth` (RFC 6265bis §4.1.3.2): Secure, for this host
 * alone, so that no app on a neighbouring name can plant one. On the machine itself, by plain http, it is `berth` without Secure,
 * because browsers differ on whether loopback is secure enough for the other. At any other address there are no sessions, which
 * also ends DNS rebinding: a page of evil.example that resolves to 127.0.0.1 sends the Host evil.example.
 */
import type { IncomingMessage } from 'node:http'
import type { Config } from '#core/runtime/config.ts'

export const SECURE_NAME = '__Host-berth'
export const PLAIN_NAME = 'berth'

export type Place = { name: typeof SECURE_NAME | typeof PLAIN_NAME; secure: boolean } | null

type Settings = Pick<Config, 'consoleUrl'>
type Head = Pick<IncomingMessage, 'headers' | 'method'>

/** Which cookie belongs to the address that a request names; null: no session is possible there. */
export function placeOf({ headers }: Pick<Head, 'headers'>, { consoleUrl }: Settings): Place {
  const host = (headers.host ?? '').toLowerCase()
  if (/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host)) return { name: PLAIN_NAME, secure: false }
  const own = consoleUrl === null ? null : new URL(consoleUrl)
  return own?.protocol === 'https:' && own.host === host ? { name: SECURE_NAME, secure: true } : null
}

/**
 * Whether a request proves that a page of ours sent it. Browsers say where a request comes from in Sec-Fetch-Site (W3C Fetch
 * Metadata), which no page can set; older ones at least in Origin, when something is changed. `none` is a person who typed the
 * address, who may look.
 */
export function isSameOrigin({ headers, method = '' }: Head): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && (method === 'GET' || method === 'HEAD'))
  const { origin, host } = headers
  return typeof origin === 'string' && URL.canParse(origin) && new URL(origin).host === (host ?? '').toLowerCase()
}

/** @returns the session id that counts for this request, or null */
export function sessionIdIn(request: Head, settings: Settings): string | null {
  const place = placeOf(request, settings)
  if (place === null || !isSameOrigin(request)) return null
  return cookieIn(request, place.name)
}

/** RFC 6265 §4.2.1. Of several of one name none counts: one of them was planted. */
export function cookieIn({ headers }: Pick<Head, 'headers'>, name: string, longest = 200): string | null {
  const found = (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
  const [value = ''] = found
  return found.length === 1 && value.length <= longest && /^[A-Za-z0-9_-]{20,}$/.test(value) ? value : null
}

/** @param id null: forget it. The browser keeps it until it is closed; the server knows how long it counts. */
export function cookieFor(place: Exclude<Place, null>, id: string | null): string {
  const { name, secure } = place
  const value = id === null ? `${name}=; Max-Age=0` : `${name}=${id}`
  return `${value}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
}
