/** A sandbox's place on the host's network, and the commands that make it. Pure: all follows from slot and index. */

export type Link = {
  index: number
  /** The host's side; the app's side is eth0. */
  device: string
  namespace: string
  namespacePath: string
  address: string
  gateway: string
  /** MAC addresses; both sides know each other's from the start, so nobody has to ask (ARP is off). */
  mac: { host: string; app: string }
}

/** A port of the host's address that leads to an app; for routers on other machines. */
export type PublishedPort = { port: number; address: string; appPort: number }

/** Index 2 … 65533 in the slot's /16 of 100.64.0.0/10 (RFC 6598: not used on the Internet, seldom on a LAN). */
export function linkOf(slot: number, index: number): Link {
  const namespace = `${namespacePrefix(slot)}${index}`
  return {
    index,
    device: `${devicePrefix(slot)}${index}`,
    namespace,
    namespacePath: `/run/netns/${namespace}`,
    address: `100.${64 + slot}.${index >> 8}.${index & 255}`,
    gateway: gatewayOf(slot),
    mac: { host: macOf('00', index), app: macOf('01', index) },
  }
}

export const devicePrefix = (slot: number): string => `bv${slot}-`
export const namespacePrefix = (slot: number): string => `berth-${slot}-`
export const gatewayOf = (slot: number): string => `100.${64 + slot}.0.1`
export const subnetOf = (slot: number): string => `100.${64 + slot}.0.0/16`

/** Locally administered (the second-lowest bit of the first byte), so it is no vendor's. */
function macOf(side: '00' | '01', index: number): string {
  const hex = (byte: number) => byte.toString(16).padStart(2, '0')
  return `02:be:${side}:00:${hex(index >> 8)}:${hex(index & 255)}`
}

/** `ip -batch` input that makes the link: fixed addresses on both sides, so that nobody has to be asked for one. */
export function linkCommands(link: Link): string[] {
  const { device, namespace, address, gateway, mac } = link
  return [
    `netns add ${namespace}`,
    `link add ${device} address ${mac.host} type veth peer name eth0 address ${mac.app} netns ${namespace}`,
    `link set ${device} arp off addrgenmode none up`,
    `addr add ${gateway}/32 dev ${device}`,
    `neigh add ${address} lladdr ${mac.app} dev ${device} nud permanent`,
    `route add ${address}/32 dev ${device}`,
  ]
}

/** The same for the inside. */
export function insideCommands({ address, gateway, mac }: Link): string[] {
  return [
    'link set lo up',
    `addr add ${address}/32 dev eth0`,
    'link set eth0 arp off addrgenmode none up',
    `neigh add ${gateway} lladdr ${mac.host} dev eth0 nud permanent`,
    `route add ${gateway}/32 dev eth0`,
    `route add default via ${gateway} dev eth0`,
  ]
}

/** `ip -force -batch` input that removes it; what is gone already is not missed. */
export const unlinkCommands = ({ device, namespace }: Link): string[] => [
  `link delete ${device}`,
  `netns delete ${namespace}`,
]

/**
 * Settings of a new network namespace: no IPv6, since all policy is about IPv4. That nobody may send pings from a plain
 * socket (net.ipv4.ping_group_range "1 0") is the kernel's default there already, whatever the host's own setting is.
 */
export const insideSettings = ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1']

/** Settings of the host's side, below /proc/sys/net: a second wall behind the ruleset's pinning of addresses. */
export const deviceSettings = ({ device }: Link): [path: string, value: string][] => [
  [`ipv4/conf/${device}/rp_filter`, '1'],
  [`ipv4/conf/${device}/accept_redirects`, '0'],
  [`ipv6/conf/${device}/disable_ipv6`, '1'],
]

/** One packet of the largest size that the kernel hands over at once (GSO) must fit, or it is cut up in software. */
const MIN_BURST_BYTES = 128 * 1024
const BURST_MS = 5
const QUEUE_MS = 25
/** A packet counts as at least this much, which bounds packets per second as well: 200 Mbit/s are 98,000 of them. */
const MIN_PACKET_BYTES = 256

/**
 * A token bucket (tc-tbf(8)) as the root queue of one end of the link. On the app's end it holds back what the app sends:
 * what is too much stays with the app and costs its own CPU time. On the host's end it holds back what the app receives.
 */
export function bandwidthCommand(device: string, megabits: number): string[] {
  const burst = Math.max(MIN_BURST_BYTES, Math.round(((megabits * 1e6) / 8) * (BURST_MS / 1000)))
  const shape = ['rate', `${megabits}mbit`, 'burst', `${burst}b`, 'latency', `${QUEUE_MS}ms`]
  return ['qdisc', 'replace', 'dev', device, 'root', 'tbf', ...shape, 'mpu', String(MIN_PACKET_BYTES)]
}
