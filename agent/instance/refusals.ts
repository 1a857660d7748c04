/** What of the network instances were refused lately, and what of it their people are told: at once, then seldom. */
import type { EventKind } from '#core/domain/event.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import type { Ceilings } from '#core/domain/resources.ts'
import { caps, type Cap, type Refused } from '../sandbox/ruleset.ts'

/** An instance whose cap is reached all the time is told of it so often. */
export const TELL_AGAIN_MS = 10 * 60_000

/** One that runs, and what the kernel has counted for it. */
export type Seen = { id: InstanceId; place: number; refused: Refused }

export type Watched = {
  place: number
  counted: Refused
  /** Refused since somebody was told. */
  untold: Refused
  /** When somebody was told, ms since 1970. */
  toldAt: Partial<Record<Cap, number>>
}
export type Watch = ReadonlyMap<InstanceId, Watched>

export type News = { id: InstanceId; cap: Cap; packets: number }

const nothing: Refused = { lookups: 0, connection_rates: 0, connections: 0, mail: 0 }

/**
 * One look.
 * @param before null at the first look of an agent: what was counted until then was its predecessor's to tell
 */
export function watchRefusals(before: Watch | null, seen: Seen[], now: number): { watch: Watch; news: News[] } {
  const news: News[] = []
  const watch = new Map<InstanceId, Watched>()
  for (const one of seen) {
    const watched = advance(before === null ? adopt(one) : before.get(one.id), one)
    for (const cap of caps) {
      if (watched.untold[cap] === 0 || now - (watched.toldAt[cap] ?? -Infinity) < TELL_AGAIN_MS) continue
      news.push({ id: one.id, cap, packets: watched.untold[cap] })
      watched.untold[cap] = 0
      watched.toldAt[cap] = now
    }
    watch.set(one.id, watched)
  }
  return { watch, news }
}

const adopt = ({ place, refused }: Seen): Watched => ({ place, counted: refused, untold: { ...nothing }, toldAt: {} })

function advance(before: Watched | undefined, { place, refused }: Seen): Watched {
  // Elements of a new link count from nothing; so do those of a sandbox that was given other ceilings.
  const since = (cap: Cap) => (before?.place === place && before.counted[cap] <= refused[cap] ? before.counted[cap] : 0)
  const untold = { ...nothing }
  for (const cap of caps) untold[cap] = (before?.untold[cap] ?? 0) + refused[cap] - since(cap)
  return { place, counted: refused, untold, toldAt: { ...before?.toldAt } }
}

/** @param process its name, as `web.1` */
export function describeRefusal(
  { cap, packets }: Pick<News, 'cap' | 'packets'>,
  process: string,
  { connections, connectionsPerSecond: rate }: Ceilings,
): { kind: EventKind; text: string } {
  switch (cap) {
    case 'connections':
      return {
        kind: 'connectionsCapped',
        text: `${process} had ${connections} connections open, as many as its plan allows; it was refused another ${times(packets)}.`,
      }
    case 'connection_rates':
      return {
        kind: 'connectionRateCapped',
        text: `${process} opened more than ${rate} connections a second, which its plan allows; an attempt was dropped ${times(packets)}.`,
      }
    case 'lookups':
      return {
        kind: 'lookupRateCapped',
        text: `${process} asked name servers more than ${rate} times a second, which its plan allows; a query was dropped ${times(packets)}.`,
      }
    case 'mail':
      return {
        kind: 'mailRefused',
        text: `${process} tried to send mail by port 25, which is closed to apps, ${times(packets)}. Use port 587 or 465 of a mail service.`,
      }
  }
}

const times = (packets: number): string => (packets === 1 ? 'once' : `${packets} times`)
