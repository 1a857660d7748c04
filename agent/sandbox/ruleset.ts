/**
 * The network policy of a host, whole: one nftables table per slot. A sandbox is a handful of set elements; without them
 * its link passes nothing, so the policy is in place before a process starts, and gone only after the link is.
 */
import { mergeCidrs } from '#core/domain/cidr.ts'
import { isId } from '#core/domain/ids.ts'
import type { EgressPolicy } from '#core/domain/quota.ts'
import type { Ceilings } from '#core/domain/resources.ts'
import { devicePrefix, subnetOf, type Link, type PublishedPort } from './link.ts'

export type RulesetInput = {
  slot: number
  /** The one port of an app that may be connected to. */
  appPort: number
  /** Name servers, reachable on port 53 only. */
  resolvers: string[]
  /** The platform's own networks, as CIDRs: no tenant's policy opens them. */
  platform: string[]
  /** Address of this host that routers on other machines reach its instances at; null on a single machine. */
  published: string | null
  /** Those routers, as CIDRs; this machine's own needs no entry. */
  routers: string[]
}

/** What of a sandbox the ruleset has to know. */
export type LinkPolicy = {
  tenantId: string
  egress: EgressPolicy
  ceilings: Ceilings
  published: PublishedPort | null
}
export type OpenLink = LinkPolicy & { link: Link }

export const tableOf = (slot: number): string => `berth_${slot}`

/** Never an app's business, whatever its tenant's policy says. */
const ownNetworks = [
  '100.64.0.0/10', // all sandboxes of all slots; RFC 6598
  '169.254.0.0/16', // link-local, with the metadata services that hand out the host's own credentials; RFC 3927
  '168.63.129.16/32', // Azure's platform address, reachable from every machine there
]

/** Closed unless a tenant's policy opens it (RFC 6890). The documentation ranges (TEST-NET) are left to BERTH_BLOCKED. */
const privateNetworks = ['10.0.0.0/8', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15']

/** This host, loopback, multicast, reserved and broadcast: never the destination of a packet that leaves an app. */
const nowhere = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3']

/** What was refused, by reason; `nft list counters table inet berth_0` shows them. */
const counters = [
  'forged',
  'nowhere',
  'invalid',
  'to_host',
  'to_neighbour',
  'to_platform',
  'to_private',
  'denied',
  'protocol',
  'name_server',
  'lookup_rate',
  'smtp',
  'connection_rate',
  'connections',
  'closed',
  'unasked',
]

type Chain = { name: string; hook: string | null; rules: string[] }

/**
 * The whole ruleset, for one transaction. Chains get new rules, sets keep their elements and what was counted there: a
 * reload needs to know of no sandbox, and there is no moment in which a packet meets neither the old rules nor the new.
 * @param open sandboxes whose elements must be there afterwards, e.g. when something flushed the host's whole ruleset
 */
export function ruleset(input: RulesetInput, open: OpenLink[] = []): string {
  const table = `inet ${tableOf(input.slot)}`
  const all = chains(input)
  return [
    `table ${table} {`,
    // A packet from an app carries the MAC and the IP address of its own link.
    `  set sources { type ifname . ether_addr . ipv4_addr; }`,
    // What its tenant's apps may connect to.
    `  map egress { type ifname : verdict; }`,
    // Per sandbox: name server queries a second, new connections a second, connections at a time.
    // What is beyond them is counted by the element.
    `  set lookups { type ifname; limit rate over 1/second; counter; }`,
    `  set connection_rates { type ifname; limit rate over 1/second; counter; }`,
    `  set connections { type ifname; ct count over 1; counter; }`,
    `  set mail { type ifname; counter; }`,
    `  map published { type inet_service : ipv4_addr . inet_service; }`,
    // A query leaves the connection table soon after its answer, so that lookups do not fill it.
    `  ct timeout lookup { protocol udp; l3proto ip; policy = { unreplied : 10, replied : 3 }; }`,
    ...counters.map((name) => `  counter ${name} { }`),
    ...all.map(({ name, hook }) => `  chain ${name} {${hook === null ? '' : ` type ${hook}; policy accept; `}}`),
    `}`,
    ...all.map(({ name }) => `flush chain ${table} ${name}`),
    `table ${table} {`,
    ...all.flatMap(({ name, rules }) => [`  chain ${name} {`, ...rules.map((rule) => `    ${rule}`), `  }`]),
    `}`,
    ...tenantsOf(open).map(([tenantId, egress]) => tenantChain(input.slot, tenantId, egress)),
    ...open.flatMap(({ link, ...policy }) => linkElements(input.slot, link, policy)),
    '',
  ].join('\n')
}

/**
 * Networks are compared one by one, not looked up in sets: the kernel takes a set's elements from the generation of the
 * moment, so a packet that is under way while rules are swapped would miss a set of the old ones, and pass. A list that is
 * part of a rule goes with it.
 */
const each = (cidrs: string[], rule: (cidr: string) => string): string[] => mergeCidrs(cidrs).map(rule)

/** Base chains see all of the host's packets, so they let pass what is no sandbox's; what is ends in a drop. */
function chains({ slot, appPort, resolvers, platform, published, routers }: RulesetInput): Chain[] {
  const links = `"${devicePrefix(slot)}*"`
  const refuse = (counter: string, verdict = 'drop') => `counter name ${counter} ${verdict}`
  const lookup = ['udp dport 53 goto lookup', 'tcp dport 53 goto lookup']
  const publish = published === null ? [] : [`ip daddr ${published} dnat ip to tcp dport map @published`]
  const platformNetworks = [...ownNetworks, ...resolvers, ...platform, ...routers, ...(published ? [published] : [])]
  return [
    {
      name: 'pinning',
      hook: 'filter hook prerouting priority raw',
      rules: [
        `iifname ${links} iifname . ether saddr . ip saddr != @sources ${refuse('forged')}`,
        `iifname ${links} meta nfproto ipv6 ${refuse('forged')}`,
        ...each(nowhere, (cidr) => `iifname ${links} ip daddr ${cidr} ${refuse('nowhere')}`),
      ],
    },
    {
      name: 'input',
      hook: 'filter hook input priority filter',
      rules: [`iifname ${links} goto to_host`],
    },
    {
      name: 'forward',
      hook: 'filter hook forward priority filter',
      rules: [`iifname ${links} goto from_app`],
    },
    // Behind address translation, so that all ways into an app come through here, the host's own too.
    {
      name: 'postrouting',
      hook: 'filter hook postrouting priority filter',
      rules: [`oifname ${links} goto to_app`],
    },
    {
      name: 'to_host',
      hook: null,
      rules: ['ct direction reply ct state established accept', ...lookup, refuse('to_host')],
    },
    {
      name: 'from_app',
      hook: null,
      rules: [
        'ct direction reply ct state established accept',
        'ct state related meta l4proto icmp accept',
        // No part of a connection, so it would meet no cap and leave with the app's own address.
        `ct state invalid ${refuse('invalid')}`,
        `oifname ${links} ${refuse('to_neighbour')}`,
        `meta l4proto != tcp meta l4proto != udp ${refuse('protocol')}`,
        ...lookup,
        // Name servers by another road (RFC 7858, RFC 9250).
        `tcp dport 853 ${refuse('name_server')}`,
        `udp dport 853 ${refuse('name_server')}`,
        // Only counts for whom it is refused next.
        'tcp dport 25 iifname @mail',
        `tcp dport 25 ${refuse('smtp', 'reject')}`,
        ...each(platformNetworks, (cidr) => `ip daddr ${cidr} ${refuse('to_platform')}`),
        // Its tenant's chain, which ends in `connect` or in a drop. Looked up for every packet, so a change acts at once.
        'iifname vmap @egress',
        refuse('closed'),
      ],
    },
    {
      name: 'lookup',
      hook: null,
      rules: [...each(resolvers, (cidr) => `ip daddr ${cidr} goto query`), refuse('name_server')],
    },
    {
      name: 'query',
      hook: null,
      rules: [
        `iifname @lookups ${refuse('lookup_rate')}`,
        'ip protocol tcp goto connect',
        'ct timeout set "lookup"',
        'accept',
      ],
    },
    {
      name: 'internet',
      hook: null,
      rules: [...each(privateNetworks, (cidr) => `ip daddr ${cidr} ${refuse('to_private')}`), 'goto connect'],
    },
    {
      name: 'connect',
      hook: null,
      rules: [
        `ct state new iifname @connection_rates ${refuse('connection_rate')}`,
        `ct state new iifname @connections ${refuse('connections', 'reject')}`,
        'accept',
      ],
    },
    {
      name: 'to_app',
      hook: null,
      rules: [
        'ct state established accept',
        'ct state related meta l4proto icmp accept',
        `fib saddr type local tcp dport ${appPort} accept`,
        ...(published === null
          ? []
          : each(routers, (cidr) => `ct status dnat ip saddr ${cidr} tcp dport ${appPort} accept`)),
        refuse('unasked'),
      ],
    },
    {
      name: 'leaving',
      hook: 'nat hook postrouting priority srcnat',
      rules: [
        `ip saddr ${subnetOf(slot)} oifname != ${links} masquerade`,
        // The app sees its gateway as the peer, whichever router speaks to it.
        ...(published === null ? [] : [`ct status dnat oifname ${links} masquerade`]),
      ],
    },
    // Without an address they are empty, so that a reload takes back what an earlier one has published.
    {
      name: 'publish_prerouting',
      hook: 'nat hook prerouting priority dstnat',
      rules: publish.map((rule) => `iifname != ${links} ${rule}`),
    },
    { name: 'publish_output', hook: 'nat hook output priority -100', rules: publish },
  ]
}

/** The chain of a tenant is made, or filled anew, in one go; its running sandboxes follow it from the next packet on. */
export function tenantChain(slot: number, tenantId: string, { allow, deny }: EgressPolicy): string {
  const chain = `inet ${tableOf(slot)} ${tenantChainOf(tenantId)}`
  return [
    `add chain ${chain}`,
    `flush chain ${chain}`,
    ...each(deny, (cidr) => `add rule ${chain} ip daddr ${cidr} counter name denied drop`),
    ...each(allow, (cidr) => `add rule ${chain} ip daddr ${cidr} goto connect`),
    `add rule ${chain} goto internet`,
  ].join('\n')
}

function tenantChainOf(tenantId: string): string {
  if (!isId(tenantId)) throw new Error(`${JSON.stringify(tenantId)} is not a tenant's id.`)
  return `tenant-${tenantId}`
}

function tenantsOf(open: OpenLink[]): [string, EgressPolicy][] {
  return [...new Map(open.map(({ tenantId, egress }) => [tenantId, egress]))]
}

/** What adds a sandbox, in one transaction. Its tenant's chain must be there. */
export function linkElements(slot: number, link: Link, { tenantId, ceilings, published }: LinkPolicy): string[] {
  const add = adder(slot)
  return [
    add('sources', `"${link.device}" . ${link.mac.app} . ${link.address}`),
    ...ceilingElements(slot, link, ceilings),
    add('mail', `"${link.device}" counter`),
    add('egress', `"${link.device}" : goto ${tenantChainOf(tenantId)}`),
    ...(published === null ? [] : [add('published', publishedElement(published))]),
  ]
}

/** The bucket of each rate holds one second's worth. */
function ceilingElements(slot: number, { device }: Link, ceilings: Ceilings): string[] {
  const { connections, connectionsPerSecond: rate } = ceilings
  const limit = `limit rate over ${rate}/second burst ${rate} packets`
  const add = adder(slot)
  return [
    add('lookups', `"${device}" ${limit} counter`),
    add('connection_rates', `"${device}" ${limit} counter`),
    add('connections', `"${device}" ct count over ${connections} counter`),
  ]
}

/** New ceilings of a running sandbox. Its count of connections begins anew: those it has open come on top until they end. */
export const ceilingCommands = (slot: number, link: Link, ceilings: Ceilings): string[] => [
  ...ceilingSets.map((set) => remover(slot)(set, `"${link.device}"`)),
  ...ceilingElements(slot, link, ceilings),
]

/** What takes a sandbox's elements away; from then on its link passes nothing. */
export function closingCommands(slot: number, link: Link, published: PublishedPort | null): string[] {
  const remove = remover(slot)
  return [
    remove('sources', `"${link.device}" . ${link.mac.app} . ${link.address}`),
    ...ceilingSets.map((set) => remove(set, `"${link.device}"`)),
    remove('mail', `"${link.device}"`),
    remove('egress', `"${link.device}"`),
    ...(published === null ? [] : [remove('published', String(published.port))]),
  ]
}

const ceilingSets = ['lookups', 'connection_rates', 'connections']

/** What of the network a sandbox has a cap of its own on; mail on port 25 is capped at nothing. */
export const caps = ['lookups', 'connection_rates', 'connections', 'mail'] as const
export type Cap = (typeof caps)[number]
/** Packets that were beyond each cap since the sandbox's elements were made. */
export type Refused = Record<Cap, number>

/**
 * Reads what the elements have counted. From the text, because the JSON of nft 1.0.6 leaves out what follows the limit.
 * @param listing what `nft list table` prints
 * @returns by the place of the sandbox's link
 */
export function refusedIn(slot: number, listing: string): Map<number, Refused> {
  const found = new Map<number, Refused>()
  const element = new RegExp(`"${devicePrefix(slot)}(\\d+)"[^,}]* counter packets (\\d+)`, 'g')
  for (const cap of caps)
    for (const [, place, packets] of setIn(listing, cap).matchAll(element)) {
      const refused = found.get(Number(place)) ?? { lookups: 0, connection_rates: 0, connections: 0, mail: 0 }
      found.set(Number(place), { ...refused, [cap]: Number(packets) })
    }
  return found
}

/** The text of one set of a listing; empty where it is not in it. */
const setIn = (listing: string, name: string): string =>
  new RegExp(`^\\tset ${name} \\{$(.*?)^\\t\\}$`, 'ms').exec(listing)?.[1] ?? ''

const adder = (slot: number) => (set: string, content: string) =>
  `add element inet ${tableOf(slot)} ${set} { ${content} }`
const remover = (slot: number) => (set: string, key: string) => `delete element inet ${tableOf(slot)} ${set} { ${key} }`

const publishedElement = ({ port, address, appPort }: PublishedPort): string => `${port} : ${address} . ${appPort}`
