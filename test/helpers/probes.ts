/** Probes of the network that run inside a sandbox, and what the host is asked to tell whether they changed anything. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { addressOf, type SandboxHandle } from '../../agent/sandbox/index.ts'
import { linkOf } from '../../agent/sandbox/link.ts'
import { tableOf } from '../../agent/sandbox/ruleset.ts'
import type { StartOptions, TestHost } from './sandboxes.ts'

/** A command that runs this program; any text may be in it. */
export const python = (code: string): string => `python3 -c '${code.replaceAll("'", `'\\''`)}'`

export type Target = { protocol: 'tcp' | 'udp'; address: string; port: number }
export const tcp = (address: string, port: number): Target => ({ protocol: 'tcp', address, port })
export const udp = (address: string, port: number): Target => ({ protocol: 'udp', address, port })

const PROBE = `
import socket, errno
from concurrent.futures import ThreadPoolExecutor
def probe(t):
    p, a, n = t
    try:
        f = socket.AF_INET6 if ":" in a else socket.AF_INET
        s = socket.socket(f, socket.SOCK_STREAM if p == "tcp" else socket.SOCK_DGRAM)
        s.settimeout(0.4)
        if p == "udp": s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.connect((a, n))
        if p == "tcp": return "open"
        s.send(b"probe")
        s.recv(100)
        return "answered"
    except socket.timeout: return "silence"
    except OSError as e: return errno.errorcode.get(e.errno, str(e))
def ask(targets):
    with ThreadPoolExecutor(32) as pool: return list(pool.map(probe, targets))
`

/** Contacts each target from inside a sandbox. @returns outcomes: open, answered, silence, ECONNREFUSED, … */
export async function contact(world: TestHost, targets: Target[], options?: StartOptions): Promise<string[]> {
  const list = JSON.stringify(targets.map(({ protocol, address, port }) => [protocol, address, port]))
  const { output } = await world.run(python(`${PROBE}\nprint("\\n".join(ask(${list})))`), options)
  return output.split('\n')
}

/** Where many are contacted at once, so that it is not the rate's ceiling that stops them. */
export const unhurried: StartOptions = { ceilings: { connectionsPerSecond: 100_000, connections: 100_000 } }

/** Packets that each rule has refused. */
export function refusals(world: TestHost): Record<string, number> {
  const text = execFileSync('nft', ['-j', 'list', 'counters', 'table', 'inet', tableOf(world.host.slot)], {
    encoding: 'utf8',
  })
  const { nftables } = JSON.parse(text) as { nftables: { counter?: { name: string; packets: number } }[] }
  return Object.fromEntries(nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets]] : [])))
}

/** Packets that a rule has refused since. */
export const since = (world: TestHost, before: Record<string, number>, name: string): number =>
  (refusals(world)[name] ?? NaN) - (before[name] ?? 0)

/** An app that answers every connection on a port with "hello". */
export const server = (port = 5000): string =>
  python(`
import socket
s = socket.socket(); s.setsockopt(1, 2, 1); s.bind(("0.0.0.0", ${port})); s.listen(512); print("up", flush=True)
while True:
    c, _ = s.accept(); c.recv(65536); c.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nhello"); c.close()
`)

/** Asks a sandbox's port from the host, as the router does. */
export function ask(address: string, port = 5000): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: address, port, timeout: 2000, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve(body))
    })
    asking.on('timeout', () => asking.destroy(new Error('timed out')))
    asking.on('error', reject)
    asking.end()
  })
}

/** Lines of the kernel's table of connections that a sandbox has begun (nf_conntrack's /proc format). */
export const trackedOf = (address: string): string[] =>
  readFileSync('/proc/net/nf_conntrack', 'utf8')
    .split('\n')
    .filter((line) => line.match(/src=(\S+)/)?.[1] === address)

export async function printed(world: TestHost, sandbox: SandboxHandle, text: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await world.output(sandbox)).includes(text)) {
    assert.ok(Date.now() < deadline, `no ${JSON.stringify(text)} in: ${await world.output(sandbox)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export type Neighbour = { sandbox: SandboxHandle; address: string; check(): Promise<void>; stop(): Promise<void> }

/** An app of another tenant. `check` fails when it does not answer, or when anything of its link or the rules has changed. */
export async function startNeighbour(world: TestHost): Promise<Neighbour> {
  const sandbox = await world.start(server(), { tenant: 'neighbour', app: 'a-neighbour' })
  await printed(world, sandbox, 'up')
  const address = addressOf(world.host, sandbox)
  const state = () => {
    const { device } = linkOf(world.host.slot, sandbox.index)
    const said = (...[program, ...args]: [string, ...string[]]) =>
      execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    const rules = said('nft', '-s', 'list', 'table', 'inet', tableOf(world.host.slot))
    return {
      link: said('ip', '-o', 'addr', 'show', 'dev', device) + said('ip', '-o', 'link', 'show', 'dev', device),
      neighbours: said('ip', 'neigh', 'show', 'dev', device),
      routes: said('ip', 'route', 'show', 'dev', device),
      // A chain of a tenant that has gone may stay; the kernel lists elements in no fixed order.
      rules: rules
        .replace(/\tchain tenant-.*?\n\t\}\n/gs, '')
        .split(/[,\n]/)
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .sort(),
    }
  }
  const before = state()
  return {
    sandbox,
    address,
    async check() {
      assert.equal(await ask(address), 'hello')
      assert.deepEqual(state(), before)
    },
    stop: () => world.remove(sandbox),
  }
}
