/** IPv4 networks in CIDR notation (RFC 4632), as operators write them: `10.0.0.0/8`, or `10.1.2.3` for one address. */
import { isInside, readNetwork, writeAddress, type Network } from './network.ts'
import type { EgressPolicy } from './quota.ts'

/** @returns `a.b.c.d/n`, or null when the text is no IPv4 network, or has bits set beyond its prefix */
export function readCidr(text: string): string | null {
  const network = parse(text)
  return network && write(network)
}

/**
 * The same addresses in the order of their numbers, without networks that lie within another one.
 * @throws on what is no network: left out, it would make a list of refusals weaker than it reads
 */
export function mergeCidrs(texts: string[]): string[] {
  const networks = texts.map((text) => {
    const network = parse(text)
    if (!network) throw new Error(`${JSON.stringify(text)} is not an IPv4 network.`)
    return network
  })
  networks.sort((a, b) => Number(a.value - b.value) || a.length - b.length)
  const kept: Network[] = []
  for (const network of networks) {
    const last = kept.at(-1)
    if (!last || !contains(last, network)) kept.push(network)
  }
  return kept.map(write)
}

/** Each entry is held in kernel memory on every host that runs the tenant. */
export const MAX_EGRESS_ENTRIES = 100

/** @returns what is wrong with a tenant's policy, as a sentence for people; null when nothing is */
export function egressFault({ allow, deny }: EgressPolicy): string | null {
  for (const [name, list] of [
    ['allow', allow],
    ['deny', deny],
  ] as const) {
    if (list.length > MAX_EGRESS_ENTRIES)
      return `The ${name} list has ${list.length} networks; at most ${MAX_EGRESS_ENTRIES} are possible. Join neighbouring ones.`
    for (const text of list) {
      if (readCidr(text) === null)
        return `${JSON.stringify(text)} in the ${name} list is not an IPv4 network such as 10.1.0.0/16 (no bits set beyond the prefix).`
    }
  }
  return null
}

function parse(text: string): Network | null {
  const network = readNetwork(text)
  return network?.version === 4 ? network : null
}

const contains = (outer: Network, inner: Network): boolean => outer.length <= inner.length && isInside(inner, [outer])

const write = (network: Network): string => `${writeAddress(network)}/${network.length}`
