/** Names to addresses that may be connected to. Asked once for each connection, which then goes to what was judged. */
import { Resolver } from 'node:dns/promises'
import { outboundFailed, outboundRefused } from '#core/domain/errors.ts'
import { readAddress } from '#core/domain/network.ts'
import { judgeAll, type Judgement, type OutboundPolicy } from './address.ts'

/** All addresses of a name, IPv4 ones first. @throws what node:dns throws when neither kind is there */
export type ResolveName = (name: string) => Promise<string[]>

const ASK_WITHIN_MS = 2_000
const ASK_TIMES = 2
/** A name with more than this is no server's. */
const MOST_ADDRESSES = 64

/**
 * Not the machine's own lookup: that one reads /etc/hosts, where names of the machine's neighbourhood stand, and completes
 * short names by the search list.
 * @param servers addresses with or without a port; none: the machine's own
 */
export function createResolveName(servers: string[]): ResolveName {
  const resolver = new Resolver({ timeout: ASK_WITHIN_MS, tries: ASK_TIMES })
  if (servers.length > 0) resolver.setServers(servers)
  return async (name) => {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (addresses.length > 0) return addresses.slice(0, MOST_ADDRESSES)
    throw answers.find((answer) => answer.status === 'rejected')?.reason
  }
}

export type Destination = { addresses: string[]; judgement: Exclude<Judgement, 'refused'> }

/**
 * @param host a name, or an address without brackets
 * @throws OUTBOUND_REFUSED, OUTBOUND_FAILED
 */
export async function destinationOf(host: string, policy: OutboundPolicy, resolve: ResolveName): Promise<Destination> {
  const addresses = readAddress(host) ? [host] : await lookUp(host, resolve)
  const judgement = judgeAll(addresses, policy)
  // The address itself is not told: it is the platform's view of DNS, not the asker's.
  if (judgement === 'refused') throw outboundRefused(`${host} does not lead to the public Internet`)
  return { addresses, judgement }
}

async function lookUp(host: string, resolve: ResolveName): Promise<string[]> {
  try {
    return await resolve(host)
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    const isMissing = code === 'ENOTFOUND' || code === 'ENODATA'
    throw outboundFailed(
      isMissing ? `DNS has no address for ${host}` : `DNS gave no answer for ${host} (${code})`,
      error,
    )
  }
}
