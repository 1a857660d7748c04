/**
 * One network namespace per sandbox: a point-to-point /32 link without ARP or a bridge, and one nftables table for the
 * whole host in which a sandbox is an element of a set. Default is drop; the rules are there before a process starts.
 */
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { run } from '#core/runtime/process.ts'

/** A sandbox's place on the host's network. */
export type Link = {
  index: number
  device: string
  namespace: string
  namespacePath: string
  address: string
  gateway: string
}

/** Index 2 … 65533 in the slot's /16 of 100.64.0.0/10 (RFC 6598: not used on the Internet, seldom on a LAN). */
export function linkOf(slot: number, index: number, id: string): Link {
  const address = `100.${64 + slot}.${index >> 8}.${index & 255}`
  return {
    index,
    device: `${devicePrefix(slot)}${index}`,
    namespace: `berth-${slot}-${id}`,
    namespacePath: `/run/netns/berth-${slot}-${id}`,
    address,
    gateway: gatewayOf(slot),
  }
}

export const devicePrefix = (slot: number): string => `bv${slot}-`
export const gatewayOf = (slot: number): string => `100.${64 + slot}.0.1`
const subnetOf = (slot: number): string => `100.${64 + slot}.0.0/16`
export const tableOf = (slot: number): string => `berth_${slot}`

const mac = (side: 'host' | 'app', index: number): string => {
  const hex = (byte: number) => byte.toString(16).padStart(2, '0')
  return `02:be:${side === 'host' ? '00' : '01'}:00:${hex(index >> 8)}:${hex(index & 255)}`
}

/** `ip -batch` input that makes the link: fixed addresses on both sides, so that nobody has to be asked for one. */
export function linkCommands(link: Link): string[] {
  const { device, namespace, address, gateway, index } = link
  return [
    `netns add ${namespace}`,
    `link add ${device} address ${mac('host', index)} type veth peer name eth0 address ${mac('app', index)} netns ${namespace}`,
    `link set ${device} arp off addrgenmode none up`,
    `addr add ${gateway}/32 dev ${device}`,
    `neigh add ${address} lladdr ${mac('app', index)} dev ${device} nud permanent`,
    `route add ${address}/32 dev ${device}`,
  ]
}

/** The same for the inside, run with `-netns`. */
export function insideCommands(link: Link): string[] {
  const { address, gateway, index } = link
  return [
    'link set lo up',
    `addr add ${address}/32 dev eth0`,
    'link set eth0 arp off addrgenmode none up',
    `neigh add ${gateway} lladdr ${mac('host', index)} dev eth0 nud permanent`,
    `route add ${gateway}/32 dev eth0`,
    `route add default via ${gateway} dev eth0`,
  ]
}

export type RulesetInput = {
  slot: number
  resolvers: string[]
  /** Address of this host that others reach its instances at; null on a single machine. */
  published: string | null
}

/** Where no sandbox may connect: RFC 6890's private and special ranges, and clouds' metadata services. */
const blocked = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '224.0.0.0/3',
]

/** The whole ruleset of a host, loaded in one transaction. Sets keep their elements over a reload only through `links`. */
export function ruleset(input: RulesetInput, links: Link[], ports: PublishedPort[]): string {
  const { slot, resolvers, published } = input
  const devices = `"${devicePrefix(slot)}*"`
  const table = `inet ${tableOf(slot)}`
  const elements = (items: string[]) => (items.length === 0 ? '' : ` elements = { ${items.join(', ')} };`)
  return [
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    `  set sources { type ifname . ipv4_addr;${elements(links.map(sourceElement))} }`,
    `  set resolvers { type ipv4_addr;${elements(resolvers)} }`,
    `  set blocked { type ipv4_addr; flags interval; auto-merge; elements = { ${blocked.join(', ')} } }`,
    `  map published { type inet_service : ipv4_addr . inet_service;${elements(ports.map(publishedElement))} }`,
    // A packet that does not come from the address of its own link is forged.
    `  chain pinning { type filter hook prerouting priority raw; policy accept;`,
    `    iifname ${devices} iifname . ip saddr != @sources drop`,
    `    iifname ${devices} meta nfproto ipv6 drop`,
    `  }`,
    // To the host itself: nothing but answers to what the host (the router, a probe) asked.
    `  chain to_host { type filter hook input priority filter; policy accept;`,
    `    iifname ${devices} ct state established,related accept`,
    `    iifname ${devices} ip daddr @resolvers meta l4proto { tcp, udp } th dport 53 accept`,
    `    iifname ${devices} drop`,
    `  }`,
    `  chain through_host { type filter hook forward priority filter; policy accept;`,
    `    iifname ${devices} jump from_app`,
    `    oifname ${devices} jump to_app`,
    `  }`,
    `  chain from_app {`,
    `    ct state established,related accept`,
    `    ct state invalid drop`,
    `    oifname ${devices} drop`,
    `    ip daddr @resolvers meta l4proto { tcp, udp } th dport 53 accept`,
    `    ip daddr @blocked drop`,
    `    tcp dport 25 drop`,
    `    meta nfproto ipv6 drop`,
    `    accept`,
    `  }`,
    `  chain to_app {`,
    `    ct state established,related accept`,
    ...(published === null ? [] : [`    ct status dnat accept`]),
    `    drop`,
    `  }`,
    `  chain leaving { type nat hook postrouting priority srcnat; policy accept;`,
    `    ip saddr ${subnetOf(slot)} oifname != ${devices} masquerade`,
    // The app sees its gateway as the peer, whichever router speaks to it.
    ...(published === null ? [] : [`    ct status dnat oifname ${devices} masquerade`]),
    `  }`,
    ...(published === null
      ? []
      : ['prerouting priority dstnat', 'output priority -100'].map((hook) => publishChain(hook, published))),
    `}`,
    '',
  ].join('\n')
}

const publishChain = (hook: string, published: string): string =>
  `  chain publish_${hook.split(' ')[0]} { type nat hook ${hook}; policy accept; ip daddr ${published} dnat ip to tcp dport map @published }`

export type PublishedPort = { port: number; address: string; appPort: number }
const sourceElement = (link: Link): string => `"${link.device}" . ${link.address}`
const publishedElement = ({ port, address, appPort }: PublishedPort): string => `${port} : ${address} . ${appPort}`

export async function loadRuleset(input: RulesetInput, links: Link[], ports: PublishedPort[]): Promise<void> {
  await run(['nft', '-f', '-'], { input: ruleset(input, links, ports) })
}

/** Forwarding is what lets sandboxes reach the Internet; it stays on afterwards, since others may rely on it. */
export async function enableForwarding(): Promise<void> {
  const file = '/proc/sys/net/ipv4/ip_forward'
  if ((await readFile(file, 'utf8')).trim() !== '1') await writeFile(file, '1')
}

/** Rules first, then the link: there is no moment in which the sandbox has a network without them. */
export async function createLink(slot: number, link: Link, port: PublishedPort | null): Promise<void> {
  await run(['nft', '-f', '-'], { input: changeElements('add', slot, link, port) })
  await run(['ip', '-batch', '-'], { input: linkCommands(link).join('\n') })
  await run(['ip', '-netns', link.namespace, '-batch', '-'], { input: insideCommands(link).join('\n') })
}

function changeElements(verb: 'add' | 'delete', slot: number, link: Link, port: PublishedPort | null): string {
  const table = `inet ${tableOf(slot)}`
  const source = `${verb} element ${table} sources { ${sourceElement(link)} }\n`
  return port ? `${source}${verb} element ${table} published { ${publishedElement(port)} }\n` : source
}

/** Idempotent: what is gone already is not missed. */
export async function removeLink(slot: number, link: Link, port: PublishedPort | null): Promise<void> {
  await quietly(run(['ip', 'link', 'delete', link.device]))
  await quietly(run(['ip', 'netns', 'delete', link.namespace]))
  await quietly(run(['nft', '-f', '-'], { input: changeElements('delete', slot, link, port) }))
}

/** Everything of a slot, whatever is left of it. */
export async function removeNetwork(slot: number): Promise<void> {
  const { stdout: names } = await run(['ip', 'netns', 'list'])
  for (const name of names.split('\n').map((line) => line.split(' ')[0] ?? '')) {
    if (name.startsWith(`berth-${slot}-`)) await quietly(run(['ip', 'netns', 'delete', name]))
  }
  const { stdout: links } = await run(['ip', '-o', 'link', 'show', 'type', 'veth'])
  for (const [, device] of links.matchAll(/^\d+: ([^@:]+)/gm)) {
    if (device?.startsWith(devicePrefix(slot))) await quietly(run(['ip', 'link', 'delete', device]))
  }
  await quietly(run(['nft', 'delete', 'table', 'inet', tableOf(slot)]))
}

/** Bytes on the host's side of the link, seen from the app: what the host sent is what the app received. */
export function sampleLink(link: Link): { inBytes: number; outBytes: number } | null {
  const counter = (name: string) => Number(readFileSync(`/sys/class/net/${link.device}/statistics/${name}`, 'utf8'))
  try {
    return { inBytes: counter('tx_bytes'), outBytes: counter('rx_bytes') }
  } catch {
    return null
  }
}

async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined)
}
