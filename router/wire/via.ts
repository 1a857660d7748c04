/** `Via` (RFC 9110 §7.6.3): the proxies that a request came through, and this one among them. */
import { trimmed } from './names.ts'

/** Of what a client speaks; of HTTP/2 the minor number is implied (RFC 9110 §2.5). */
export type HttpVersion = '1.0' | '1.1' | '2.0'

/** The routers' name for themselves, the same for all: their addresses are nobody's business. */
const PSEUDONYM = 'berth'

/** The values of several fields as one list (RFC 9110 §5.3). @param before empty: none */
export const joinedVia = (before: string, value: string): string =>
  before === '' ? value : value === '' ? before : `${before}, ${value}`

/** How often a list says that a request was here: each time as `1.1 berth` or the like, perhaps with a comment. */
export const passesIn = (via: string): number => via.split(',').filter((each) => isOurs(trimmed(each))).length

const isOurs = (element: string): boolean => element.split(/[ \t]+/, 2)[1]?.toLowerCase() === PSEUDONYM

/** What the next one is told: the list with this hop at its end. */
export const viaText = ({ via, version }: { via: string; version: HttpVersion }): string =>
  joinedVia(via, `${version} ${PSEUDONYM}`)
