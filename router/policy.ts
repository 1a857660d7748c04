/** On what terms an app lets a request in: maintenance, HTTPS, and who may ask. */
import { isInRange, parseAddress, parseRange, type Range } from '#core/domain/range.ts'
import type { AccessRules, RouteSettings } from '#core/domain/route.ts'

export type Facts = {
  /** Whether the client's connection is encrypted. */
  secure: boolean
  clientAddress: string
  /** The Authorization field; null when there is none. */
  authorization: string | null
}

/** Why a request does not reach its app. */
export type Ruling = 'maintenance' | 'https' | 'address' | 'login'

/** Whether a password is the user's; in a time that does not tell how nearly it is. */
export type MatchPassword = (user: AccessRules['users'][number], password: string) => boolean

/**
 * HTTPS comes before the login, so that no browser is asked to send a password in the clear.
 * @returns null for a request that may go on
 */
export function judge(settings: RouteSettings, facts: Facts, matches: MatchPassword): Ruling | null {
  const { access } = settings
  if (settings.maintenance) return 'maintenance'
  if (settings.forceHttps && !facts.secure) return 'https'
  if (access.allow.length > 0 && !isAllowed(access.allow, facts.clientAddress)) return 'address'
  if (access.users.length > 0 && !isUser(access.users, facts.authorization, matches)) return 'login'
  return null
}

/** Each list is read once, and belongs to a route that may be replaced. */
const parsed = new WeakMap<string[], Range[]>()

function isAllowed(allow: string[], address: string): boolean {
  let ranges = parsed.get(allow)
  if (ranges === undefined) {
    ranges = allow.map(parseRange).filter((range) => range !== null)
    parsed.set(allow, ranges)
  }
  const words = parseAddress(address)
  return words !== null && ranges.some((range) => isInRange(range, words))
}

/** RFC 7617 §2: base64 of `user:password`, in UTF-8. */
function isUser(users: AccessRules['users'], authorization: string | null, matches: MatchPassword): boolean {
  const encoded = /^basic +([a-z0-9+/]+=*)$/i.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return false
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon === -1) return false
  const name = pair.slice(0, colon)
  // For a name that is not there a password is tried too: the time says nothing about which names are.
  const user = users.find((one) => one.name === name) ?? users[0]
  return user !== undefined && matches(user, pair.slice(colon + 1)) && user.name === name
}
