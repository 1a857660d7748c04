/** The rules are there before a sandbox is, and stay while they are replaced. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { run } from '#core/runtime/process.ts'
import {
  closeLink,
  ensureRuleset,
  loadRuleset,
  openLink,
  prepareLink,
  removeLink,
  sampleLink,
  sweepLinks,
} from '../../../agent/sandbox/network.ts'
import { linkOf } from '../../../agent/sandbox/link.ts'
import { tableOf } from '../../../agent/sandbox/ruleset.ts'
import { defaultCeilings } from '#core/domain/resources.ts'
import { useNetwork } from '#test/helpers/network.ts'
import type { Outside } from '#test/helpers/outside.ts'
import { ask, printed, python, refusals, server, since, type Neighbour } from '#test/helpers/probes.ts'
import type { TestHost } from '#test/helpers/sandboxes.ts'

const [PUBLIC, OPENED, DENIED, PRIVATE] = ['203.0.113.82', '10.79.1.1', '203.0.113.83', '10.79.0.1']

describe('The rules of the network', function () {
  this.timeout(60_000)
  let world: TestHost
  let outside: Outside
  let neighbour: Neighbour
  useNetwork(
    { addresses: [PUBLIC, OPENED, DENIED, PRIVATE], tcp: [] },
    (network) => ({ world, outside, neighbour } = network),
  )

  const egress = { allow: ['10.79.1.0/24'], deny: ['203.0.113.83/32'] }
  const policy = { tenantId: 'prepared', egress, ceilings: defaultCeilings, published: null }
  const table = () => tableOf(world.host.slot)
  /** Sends without end to what is closed, what is open and what its tenant opened. */
  const prober = python(`
import socket, time
def to(a): s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect((a, 80)); s.setblocking(False); return s
closed = [to(a) for a in ("${PRIVATE}", "${DENIED}", "${'NEIGHBOUR'}", "169.254.169.254")]
opened = [to(a) for a in ("${PUBLIC}", "${OPENED}")]
print("up", flush=True)
while True:
  for s in closed + opened:
    try: s.send(b"x")
    except OSError: pass
  time.sleep(0.001)
`)

  it('S73: hold for every packet while they are loaded again and again, and no element or list is lost', async () => {
    const listener = await world.start(
      python(`
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 80 + 8000)); s2 = s
print("up", flush=True)
print("REACHED", s.recvfrom(10), flush=True)
`),
      { tenant: 'listener', app: 'a-listener' },
    )
    const app = await world.start(prober.replace('NEIGHBOUR', neighbour.address), {
      tenant: 'prober',
      share: { egress },
      ceilings: { connectionsPerSecond: 100_000 },
    })
    try {
      await printed(world, app, 'up')
      const before = refusals(world)
      for (let i = 0; i < 40; i++) await loadRuleset(world.rules, [])
      const contacts = await outside.contacts()
      const to = (address: string) => contacts.filter((line) => line.includes(`${address}:`)).length
      assert.deepEqual([to(PRIVATE), to(DENIED)], [0, 0], 'what is closed stays closed')
      assert.ok(to(PUBLIC) > 50 && to(OPENED) > 50, `what is open stays open: ${to(PUBLIC)}, ${to(OPENED)}`)
      for (const name of ['to_private', 'denied', 'to_neighbour', 'to_platform'])
        assert.ok(since(world, before, name) > 50, `${name} was asked for all the while`)
      assert.equal(await world.output(listener), 'up')
    } finally {
      await world.remove(app)
      await world.remove(listener)
    }
  })

  it('S73: an agent that starts again while they are loaded takes them over as they are', async () => {
    const app = await world.start(server(), { tenant: 'kept' })
    const { index } = app
    const elements = () => execFileSync('nft', ['-s', 'list', 'map', 'inet', table(), 'egress'], { encoding: 'utf8' })
    try {
      await printed(world, app, 'up')
      const before = elements()
      const kept = { ...policy, tenantId: 'kept', egress: { allow: [], deny: [] } }
      await loadRuleset(world.rules, [{ link: linkOf(world.host.slot, index), ...kept }])
      await sweepLinks(world.host.slot, new Set([index, neighbour.sandbox.index]))
      assert.equal(elements(), before)
      assert.equal(await ask(linkOf(world.host.slot, index).address), 'hello')
    } finally {
      await world.remove(app)
    }
  })

  it('S73: a link that is prepared but not open passes nothing, in no direction', async () => {
    const link = linkOf(world.host.slot, 1000)
    const inside = (...argv: string[]) => run(['nsenter', `--net=${link.namespacePath}`, ...argv])
    const send = () => inside('bash', '-c', `exec 3<>/dev/udp/${PUBLIC}/80; echo -n x >&3`)
    await prepareLink(link)
    try {
      const before = refusals(world)
      await send()
      assert.deepEqual(await outside.contacts(), [])
      assert.ok(since(world, before, 'forged') >= 1)
      await openLink(world.host.slot, link, policy)
      await send()
      assert.deepEqual(await outside.contacts(), [`udp ${PUBLIC}:80 x`])
      assert.ok((sampleLink(link)?.outBytes ?? 0) > 0)
      await closeLink(world.host.slot, link, null)
      await send()
      assert.deepEqual(await outside.contacts(), [])
    } finally {
      await removeLink(world.host.slot, link, null)
    }
    assert.equal(sampleLink(link), null)
  })

  it('S36: leave nothing of a link that was removed, twice, or swept as nobody’s', async () => {
    const [one, two, three] = [1001, 1002, 1003].map((index) => linkOf(world.host.slot, index))
    assert.ok(one && two && three)
    for (const link of [one, two, three]) await prepareLink(link)
    for (const link of [one, two]) await openLink(world.host.slot, link, policy)
    await removeLink(world.host.slot, one, null)
    await removeLink(world.host.slot, one, null)
    await sweepLinks(world.host.slot, new Set([neighbour.sandbox.index]))
    const left =
      execFileSync('nft', ['list', 'table', 'inet', table()], { encoding: 'utf8' }) +
      execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }) +
      execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    for (const link of [one, two, three])
      assert.ok(!left.includes(link.device) && !left.includes(`${link.namespace} `), left)
  })

  it('S73: come back, with all that runs, when something flushed them', async () => {
    const app = await world.start(server(), { tenant: 'flushed' })
    const open = [app, neighbour.sandbox].map(({ index }) => ({
      link: linkOf(world.host.slot, index),
      ...policy,
      egress: { allow: [], deny: [] },
    }))
    const [one, two] = open
    assert.ok(one && two)
    try {
      await printed(world, app, 'up')
      await run(['nft', 'delete', 'table', 'inet', table()])
      assert.equal(
        await ensureRuleset(world.rules, [
          { ...one, tenantId: 'flushed' },
          { ...two, tenantId: 'neighbour' },
        ]),
        true,
      )
      assert.equal(await ensureRuleset(world.rules, []), false)
      await assert.rejects(ask(linkOf(world.host.slot, app.index).address, 8081), /timed out/)
      assert.equal(await ask(linkOf(world.host.slot, app.index).address), 'hello')
    } finally {
      await world.remove(app)
    }
  })

  it('replace those of an earlier version that have another shape', async () => {
    await run(['nft', '-f', '-'], {
      input: `delete table inet ${table()}\ntable inet ${table()} { set sources { type ipv4_addr; }; }\n`,
    })
    await loadRuleset(world.rules, [
      {
        link: linkOf(world.host.slot, neighbour.sandbox.index),
        ...policy,
        tenantId: 'neighbour',
        egress: { allow: [], deny: [] },
      },
    ])
    assert.equal(await ask(neighbour.address), 'hello')
  })
})
