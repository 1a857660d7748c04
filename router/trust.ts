/** Whose word on a request's origin counts (H57): that of the operator's load balancers, hop by hop, and nobody else's. */
import { isInside, readAddress, readNetwork, writeAddress, type Network } from '#core/domain/network.ts'

export type Trusted = readonly Network[]

/** The fields that a load balancer sets; several of the same name joined by commas. Null: there are none. */
export type ForwardedFields = { forwardedFor: string | null; forwardedProto: string | null }

export type Client = {
  address: string
  /** What the client spoke with the load balancer; null: what the connection itself speaks. */
  proto: 'http' | 'https' | null
}

/** A client may write as many hops as it likes; no chain of load balancers is as long as this. */
const MAX_HOPS = 32

/** @param cidrs checked before (`readConfig`) */
export const trustedFrom = (cidrs: readonly string[]): Trusted => cidrs.flatMap((cidr) => readNetwork(cidr) ?? [])

/** Whether a peer may speak for others. Ask once per connection. */
export function isTrusted(address: string, trusted: Trusted): boolean {
  if (trusted.length === 0) return false
  const parsed = readAddress(address)
  return parsed !== null && isInside(parsed, trusted)
}

/**
 * Each trusted hop vouches for the one that it names, the last in its list; so the client is the rightmost address that is no
 * load balancer's. What stands left of it was said by the client, and could be anything.
 * @param peer the connection's other end, or the one that a PROXY header names
 */
export function clientOf(peer: string, fields: ForwardedFields, trusted: Trusted): Client {
  if (!isTrusted(peer, trusted)) return { address: plain(peer), proto: null }
  const hops = fields.forwardedFor?.split(',').slice(-MAX_HOPS) ?? []
  return { address: rightmostUntrusted(plain(peer), hops, trusted), proto: protoOf(fields.forwardedProto) }
}

function rightmostUntrusted(peer: string, hops: readonly string[], trusted: Trusted): string {
  let known = peer
  for (const hop of hops.toReversed()) {
    const address = readAddress(withoutPort(hop.trim()))
    // A word such as `unknown` ends what can be followed; the hop that said it is the last one known.
    if (!address) return known
    known = writeAddress(address)
    if (!isInside(address, trusted)) return known
  }
  return known
}

/** Some load balancers write `192.0.2.1:5000` and `[2001:db8::1]:5000`. */
const withoutPort = (hop: string): string =>
  /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(hop)?.[1] ?? hop

/** The last one is the peer's own word. */
function protoOf(field: string | null): Client['proto'] {
  const said = field
    ?.slice(field.lastIndexOf(',') + 1)
    .trim()
    .toLowerCase()
  return said === 'http' || said === 'https' ? said : null
}

/** As everything writes it, so that one client has one address: IPv4 clients of a socket on `::` are ::ffff:192.0.2.1. */
function plain(address: string): string {
  const parsed = readAddress(address)
  return parsed ? writeAddress(parsed) : address
}
