/**
 * Host names that tenants bring: `shop.example`, `*.shop.example`, and paths below them. A tenant gets a host when it has
 * shown that the host is its own, and then no other tenant can have it or what overlaps with it.
 */
import { domainRefused } from './errors.ts'
import type { AppId, TenantId } from './ids.ts'
import type { Address } from './route.ts'

export type Domain = Address & {
  appId: AppId
  tenantId: TenantId
  createdAt: number
  /** What the owner of the host publishes in DNS to show that it is its own. */
  token: string
  /** Pending: it is not known whose the host is, and it carries no traffic. */
  state: 'pending' | 'verified'
  verified: Verification | null
  /** The last look into DNS for a pending one; null: none yet. */
  check: Check | null
}

/** `tenant`: the tenant had shown before that the host, or the wildcard above it, is its own. */
export type Verification = { at: number; by: 'dns' | 'operator' | 'tenant' }

/** @param tries how many looks there were, this one included */
export type Check = { at: number; problem: string; tries: number; nextAt: number }

/** All of an app's are read with it. */
export const MAX_DOMAINS = 200

/** How people write it, and how the API names it: `shop.example`, `shop.example/api`. */
export const addressText = ({ host, path }: Address): string => host + (path === '/' ? '' : path)

/** What a name is checked by that this file cannot know. */
export type NameRules = {
  /** The ASCII form of an internationalised name (UTS 46); empty when it has none. */
  toAscii: (name: string) => string
  /** Whether anybody may register names directly below this one, as below `co.uk`. */
  isPublicSuffix: (name: string) => boolean
  /** The platform's own domain: names below it are the apps' own. */
  platform: string
}

/**
 * Reads `HOST[/PATH]` into the one spelling that is stored and compared: lower case, IDN as punycode, no dot at the end of
 * the host, no slash at the end of the path.
 * @throws DOMAIN_REFUSED with what is wrong
 */
export function parseAddress(text: string, rules: NameRules): Address {
  const slash = text.indexOf('/')
  const name = slash === -1 ? text : text.slice(0, slash)
  const path = slash === -1 ? '/' : text.slice(slash)
  const refuse = (why: string) => domainRefused(text, why)
  return { host: parseHost(name, rules, refuse), path: parsePath(path, refuse) }
}

type Refuse = (why: string) => Error

function parseHost(text: string, rules: NameRules, refuse: Refuse): string {
  const isWildcard = text.startsWith('*.')
  const name = (isWildcard ? text.slice(2) : text).replace(/\.$/, '')
  // Before it is made ASCII, which would read %2e, a user's name, a port or an IPv6 address as a URL's host.
  if (name === '' || name.length > 253 || /[\s%:@/\\?#[\]*<>|^]/.test(name))
    throw refuse('write a host name like shop.example, *.shop.example or shop.example/api')
  const ascii = rules.toAscii(name).toLowerCase()
  if (!isHostName(ascii))
    throw refuse('a host name has labels of letters, digits and dashes with dots between them, at most 63 long each')
  if (!ascii.includes('.')) throw refuse('a host name has at least one dot')
  if (/^[0-9.]+$/.test(ascii) || /\.[0-9]+$/.test(ascii)) throw refuse('an address is not a host name')
  if (isAtOrBelow(ascii, 'localhost') || isAtOrBelow(ascii, rules.platform))
    throw refuse(`names at and below ${rules.platform} are the platform's`)
  if (rules.isPublicSuffix(ascii)) throw refuse(`${ascii} is a public suffix, below which anybody may register names`)
  if (isAtOrBelow(rules.platform, ascii) && isWildcard) throw refuse("the platform's own name is below it")
  return isWildcard ? `*.${ascii}` : ascii
}

/** Letters, digits and dashes (RFC 1123 §2.1), in lower case. */
const isHostName = (name: string): boolean =>
  name.length <= 253 && name.split('.').every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))

const isAtOrBelow = (name: string, above: string): boolean => name === above || name.endsWith(`.${above}`)

/** Routers compare paths as bytes, so only what has one spelling can be a prefix: no escapes, no empty or dot segments. */
function parsePath(text: string, refuse: Refuse): string {
  const path = text.replace(/\/$/, '')
  if (path === '') return '/'
  if (path.length > 200) throw refuse('the path is longer than 200 characters')
  // Of RFC 3986's pchar all that stands for itself.
  if (!/^(\/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+$/.test(path))
    throw refuse('a path is like /api or /api/v2: without escapes, empty parts and a query')
  if (/\/\.{1,2}(\/|$)/.test(path)) throw refuse('a path has no . or .. in it')
  return path
}

/** What a host is directly below: `shop.example` for `www.shop.example`, and for `*.shop.example` too. */
export const parentOf = (host: string): string => host.slice(host.indexOf('.') + 1)

/** Where the proof is published. A wildcard is shown by the name that it is below. */
export const challengeName = (host: string): string =>
  `_berth-challenge.${host.startsWith('*.') ? host.slice(2) : host}`

const FIRST_CHECK_MS = 30_000
const LAST_CHECK_MS = 6 * 3_600_000

/** When to look again after so many looks: soon for who is just setting it up, seldom for who forgot it. */
export const nextCheckAt = (tries: number, now: number): number =>
  now + Math.min(LAST_CHECK_MS, FIRST_CHECK_MS * 2 ** Math.min(20, tries - 1))

export const isDue = ({ state, check, createdAt }: Domain, now: number): boolean =>
  state === 'pending' && now >= (check?.nextAt ?? createdAt + FIRST_CHECK_MS)
