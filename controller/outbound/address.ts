/**
 * Where the platform may connect to on behalf of tenants, judged by the address alone (C12). What is not plainly on the public
 * Internet is refused, so that nobody reaches through the controller what their own sandbox may not.
 */
import { isInside, readAddress, readNetwork, type Address, type Network } from '#core/domain/network.ts'

export type OutboundPolicy = {
  /** Networks that the operator names: reachable although they are private, and without TLS. */
  named: readonly Network[]
  /**
   * The platform's own networks and this machine's addresses. Naming a network around one does not open it: only naming the
   * address by itself does, as `10.0.0.5/32`.
   */
  own: readonly Network[]
}

export type Judgement = 'public' | 'named' | 'refused'

const networks = (texts: string[]): Network[] =>
  texts.map((text) => {
    const network = readNetwork(text)
    if (!network) throw new Error(`${text} is not a network.`)
    return network
  })

/** IANA's special-purpose registry (RFC 6890), multicast and reserved space, and one that a cloud hides among public ones. */
const notPublic = networks([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // Azure's platform address, reachable from every machine there.
  '168.63.129.16/32',
  // What of the global unicast space stands for an IPv4 address (Teredo, 6to4), for examples, or for nobody.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
])

/**
 * All that is assigned to anybody (RFC 4291 §2.4 and IANA's registry). Everything else of IPv6 is refused by being outside: loopback,
 * unique local, link-local, multicast, and the forms that carry an IPv4 address (mapped, compatible, NAT64).
 */
const globalUnicast = networks(['2000::/3'])

/** @param text as DNS or a URL has it, an IPv6 one without brackets */
export function judgeAddress(text: string, { named, own }: OutboundPolicy): Judgement {
  const address = readAddress(text)
  // An IPv4 address in the clothes of IPv6 is how lists like this one are passed by.
  if (!address || (address.version === 4 && text.includes(':'))) return 'refused'
  if (isNamedAlone(address, named)) return 'named'
  if (isInside(address, own)) return 'refused'
  if (isInside(address, named)) return 'named'
  return isPublic(address) ? 'public' : 'refused'
}

const isPublic = (address: Address): boolean =>
  (address.version === 4 || isInside(address, globalUnicast)) && !isInside(address, notPublic)

const isNamedAlone = (address: Address, named: readonly Network[]): boolean =>
  isInside(
    address,
    named.filter(({ version, length }) => length === (version === 4 ? 32 : 128)),
  )

/** Whether all of a name's addresses may be connected to; those of a name that leads both ways are refused together. */
export function judgeAll(addresses: readonly string[], policy: OutboundPolicy): Judgement {
  const judgements = addresses.map((address) => judgeAddress(address, policy))
  if (judgements.length === 0 || judgements.includes('refused')) return 'refused'
  // What is public only in part is spoken to as if it were in whole: with TLS.
  return judgements.every((judgement) => judgement === 'named') ? 'named' : 'public'
}
