/** `Via` (RFC 9110 §7.6.3): the proxies that a request came through, and this one among them. */
import { trimmed } from './names.ts'

/** The routers' name for themselves, the same for all: their addresses are nobody's business. */
const PSEUDONYM = 'berth'

/** The values of several fields as one list (RFC 9110 §5.3). @param before empty: none */
export const joinedVia = (before: string, value: string): string =>
  before === '' ? value : value === '' ? before : `${before}, ${value}`

/** How often a list says that a request was here: each time as `1.1 berth`, perhaps with a comment. */
export const passesIn = (via: string): number => via.split(',').filter((each) => isOurs(trimmed(each))).length

const isOurs = (element: string): boolean => element.split(/[ \t]+/, 2)[1]?.toLowerCase() === PSEUDONYM

/** What the next one is told: the list with this hop at its end. */
export const viaText = ({ via, old }: { via: string; old: boolean }): string =>
  joinedVia(via, `${old ? '1.0' : '1.1'} ${PSEUDONYM}`)
