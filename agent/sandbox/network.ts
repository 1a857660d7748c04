/**
 * A sandbox's network, from link to removal. A link is prepared before it is known whose it will be (`prepareLink`), and
 * passes nothing until it is opened for a tenant (`openLink`): whether it does is decided in ruleset.ts.
 */
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import type { EgressPolicy } from '#core/domain/quota.ts'
import { defaultCeilings, type Ceilings } from '#core/domain/resources.ts'
import { sleep } from '#core/runtime/clock.ts'
import { run } from '#core/runtime/process.ts'
import {
  bandwidthCommand,
  devicePrefix,
  deviceSettings,
  insideCommands,
  insideSettings,
  linkCommands,
  linkOf,
  namespacePrefix,
  unlinkCommands,
  type Link,
  type PublishedPort,
} from './link.ts'
import {
  ceilingCommands,
  closingCommands,
  linkElements,
  refusedIn,
  ruleset,
  tableOf,
  tenantChain,
  type LinkPolicy,
  type OpenLink,
  type Refused,
  type RulesetInput,
} from './ruleset.ts'

/**
 * Loads the rules, or brings them up to date, in one transaction. What the sets hold stays.
 * @param open sandboxes that run already
 */
export async function loadRuleset(input: RulesetInput, open: OpenLink[] = []): Promise<void> {
  const text = ruleset(input, open)
  try {
    await nft([text])
  } catch {
    // A set cannot change its type: the table of an earlier version of Berth is replaced as a whole, still in one go.
    const table = `table inet ${tableOf(input.slot)}`
    await nft([`add ${table}`, `delete ${table}`, text])
  }
  for (const chain of writtenChains.keys()) if (chain.startsWith(`${input.slot} `)) writtenChains.delete(chain)
}

/**
 * Loads the rules again if something on the host threw them away, as `nft flush ruleset` does: without them nothing holds
 * the sandboxes back.
 * @returns whether they had to be loaded
 */
export async function ensureRuleset(input: RulesetInput, open: OpenLink[]): Promise<boolean> {
  const isLoaded = await run(['nft', 'list', 'chain', 'inet', tableOf(input.slot), 'pinning']).then(
    () => true,
    () => false,
  )
  if (!isLoaded) await loadRuleset(input, open)
  return !isLoaded
}

/** What each sandbox was refused by caps of its own, by the place of its link. */
export async function readRefused(slot: number): Promise<Map<number, Refused>> {
  const { stdout } = await run(['nft', 'list', 'table', 'inet', tableOf(slot)])
  return refusedIn(slot, stdout)
}

/**
 * Tenants' chains as this process has written them last, by slot and tenant. Filling one anew makes the kernel wait for
 * all readers of the old rules, 15 ms, which the start of a tenant's next sandbox can do without.
 */
const writtenChains = new Map<string, string>()

async function writeWithTenant(
  slot: number,
  tenantId: string,
  egress: EgressPolicy,
  elements: string[],
): Promise<void> {
  const key = `${slot} ${tenantId}`
  const chain = tenantChain(slot, tenantId, egress)
  if (writtenChains.get(key) === chain) return nft(elements)
  // One after the other, so that what is noted here is what the kernel has.
  lastWrite = quietly(lastWrite).then(async () => {
    await nft([chain, ...elements])
    writtenChains.set(key, chain)
  })
  await lastWrite
}

let lastWrite: Promise<unknown> = Promise.resolve()

/** Forwarding is what lets sandboxes reach the Internet; it stays on afterwards, since others may rely on it. */
export async function enableForwarding(): Promise<void> {
  const file = '/proc/sys/net/ipv4/ip_forward'
  if ((await readFile(file, 'utf8')).trim() !== '1') await writeFile(file, '1')
}

/** Makes a link that depends on no app yet: namespace, both ends, addresses, neighbours, bandwidth by default. */
export async function prepareLink(link: Link): Promise<void> {
  await ip(linkCommands(link))
  await Promise.all([
    // By nsenter, since `ip -netns` copies the host's whole mount table, which grows with every sandbox.
    run(inside(link, 'ip', '-batch', '-'), { input: insideCommands(link).join('\n') }),
    run(inside(link, 'sysctl', '-qw', ...insideSettings)),
    setBandwidth(link, defaultCeilings.networkMbit),
    ...deviceSettings(link).map(([path, value]) => writeSetting(path, value)),
  ])
}

/** Opens a prepared link for a sandbox of this tenant: from here on its packets are let through, as far as policy goes. */
export async function openLink(slot: number, link: Link, policy: LinkPolicy): Promise<void> {
  const { networkMbit } = policy.ceilings
  await Promise.all([
    writeWithTenant(slot, policy.tenantId, policy.egress, linkElements(slot, link, policy)),
    networkMbit === defaultCeilings.networkMbit ? null : setBandwidth(link, networkMbit),
  ])
}

/** Changes what a running sandbox may take of the network, at once. */
export async function adjustLink(slot: number, link: Link, ceilings: Ceilings): Promise<void> {
  await Promise.all([nft(ceilingCommands(slot, link, ceilings)), setBandwidth(link, ceilings.networkMbit)])
}

/** Changes what a tenant's apps may connect to, at once for those that run here; connections that are open break. */
export async function setTenantEgress(slot: number, tenantId: string, policy: EgressPolicy): Promise<void> {
  await writeWithTenant(slot, tenantId, policy, [])
}

/** Nothing passes the link any more. Idempotent. */
export async function closeLink(slot: number, link: Link, published: PublishedPort | null): Promise<void> {
  const commands = closingCommands(slot, link, published)
  await nft(commands).catch(async () => {
    // One that is gone already fails the whole transaction; then each for itself.
    for (const command of commands) await quietly(nft([command]))
  })
}

/** Idempotent: what is gone already is not missed. */
export async function removeLink(slot: number, link: Link, published: PublishedPort | null): Promise<void> {
  // In either order: without its elements the link passes nothing, and without its link they match nothing.
  await Promise.all([closeLink(slot, link, published), unlink([link])])
}

/** One that no sandbox ever had: no rule knows of it. */
export const removePreparedLink = (link: Link): Promise<void> => unlink([link])

/** Removes the links and the elements of a slot that nobody uses: what an agent that ended abruptly has left. */
export async function sweepLinks(slot: number, used: Set<number>): Promise<void> {
  const isUnused = ({ index }: Link) => !used.has(index)
  const { stdout: sources } = await run(['nft', 'list', 'set', 'inet', tableOf(slot), 'sources'])
  const open = indexes(sources, new RegExp(`"${devicePrefix(slot)}(\\d+)"`, 'g')).map((index) => linkOf(slot, index))
  for (const link of open.filter(isUnused)) await closeLink(slot, link, null)
  await unlink((await existingLinks(slot)).filter(isUnused))
}

/** Everything of a slot, whatever is left of it. */
export async function removeNetwork(slot: number): Promise<void> {
  await unlink(await existingLinks(slot))
  for (let tries = 0; tries < TABLE_TRIES && (await hasTable(slot)); tries++) {
    await quietly(run(['nft', 'delete', 'table', 'inet', tableOf(slot)]))
    await sleep(Math.min(tries * 20, 400))
  }
}

/** nft reads all rules of the host before it changes any, and fails while others go on changing theirs: for half a minute at most. */
const TABLE_TRIES = 80

async function hasTable(slot: number): Promise<boolean> {
  const stdout = await run(['nft', 'list', 'tables', 'inet']).then(
    (listed) => listed.stdout,
    () => null,
  )
  return stdout === null || stdout.split('\n').includes(`table inet ${tableOf(slot)}`)
}

/** Those of which a namespace or a device is there. */
async function existingLinks(slot: number): Promise<Link[]> {
  const { stdout: names } = await run(['ip', 'netns', 'list'])
  const { stdout: devices } = await run(['ip', '-o', 'link', 'show', 'type', 'veth'])
  const found = new Set([
    ...indexes(names, new RegExp(`^${namespacePrefix(slot)}(\\d+)\\b`, 'gm')),
    ...indexes(devices, new RegExp(`^\\d+: ${devicePrefix(slot)}(\\d+)@`, 'gm')),
  ])
  return [...found].map((index) => linkOf(slot, index))
}

const indexes = (text: string, pattern: RegExp): number[] =>
  [...text.matchAll(pattern)].map(([, index]) => Number(index))

export type LinkSample = { inBytes: number; outBytes: number }

/**
 * Bytes on the host's side of the link, seen from the app: what the host sent is what the app received. Synchronous: the
 * kernel answers within microseconds, and a host has hundreds to ask.
 * @returns null when the link is gone
 */
export function sampleLink({ device }: Pick<Link, 'device'>): LinkSample | null {
  const counter = (name: string) => Number(readFileSync(`/sys/class/net/${device}/statistics/${name}`, 'utf8'))
  try {
    return { inBytes: counter('tx_bytes'), outBytes: counter('rx_bytes') }
  } catch {
    return null
  }
}

const setBandwidth = (link: Link, megabits: number) =>
  Promise.all([
    run(['tc', ...bandwidthCommand(link.device, megabits)]),
    run(inside(link, 'tc', ...bandwidthCommand('eth0', megabits))),
  ])

const inside = (link: Link, ...argv: string[]): [string, ...string[]] => [
  'nsenter',
  `--net=${link.namespacePath}`,
  ...argv,
]

/** A host without IPv6 has no such settings, nor the need. */
async function writeSetting(path: string, value: string): Promise<void> {
  await writeFile(`/proc/sys/net/${path}`, value).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || !path.startsWith('ipv6/')) throw error
  })
}

async function unlink(links: Link[]): Promise<void> {
  if (links.length > 0) await quietly(ip(links.flatMap(unlinkCommands), '-force'))
}

const ip = (commands: string[], ...options: string[]) =>
  run(['ip', ...options, '-batch', '-'], { input: commands.join('\n') })
const nft = async (commands: string[]): Promise<void> => {
  await run(['nft', '-f', '-'], { input: `${commands.join('\n')}\n` })
}

async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined)
}
