import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import type { EventView, InstanceView } from '#core/contract/api.ts'
import { slotOf, waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

/** Limits, their changes and their ends, as a tenant and an operator meet them. */
export const limits = (start: Start): void =>
  void describe('The limits of an app', function () {
    this.timeout(120_000)
    let world: World
    before(async function () {
      this.timeout(180_000)
      world = await start()
      await world.cli(['create', 'wild'])
      const { code, output } = await world.pushApp('wild', 'misbehaves')
      assert.equal(code, 0, output)
      await world.cli(['scale', 'web=1', '--memory', '256M', '-a', 'wild'])
    })

    const instance = async (): Promise<InstanceView> => {
      const { body } = await world.api('GET', '/v1/apps/wild/instances')
      const running = (body as { instances: InstanceView[] }).instances.filter((i) => i.state === 'running')
      const [only] = running
      assert.ok(only && running.length === 1, `one running instance, got ${JSON.stringify(body)}`)
      return only
    }
    const events = async (kind: string): Promise<EventView[]> => {
      const { body } = await world.api('GET', `/v1/apps/wild/events?kind=${kind}`)
      return (body as { events: EventView[] }).events
    }
    const answers = () =>
      waitFor(async () => (await world.http('wild', '/').catch(() => null))?.status === 200, {
        timeoutMs: 30_000,
        what: 'an answer of the app',
      })
    /** What the kernel holds it to, in MB. */
    const kernelLimit = async (id: string): Promise<number> => {
      const path = `berth-${await slotOf(world.home)}/default`
      const file = existsSync('/sys/fs/cgroup/cgroup.controllers')
        ? `/sys/fs/cgroup/${path}`
        : `/sys/fs/cgroup/memory/${path}`
      const app = (await instance()).app
      const { body } = await world.api('GET', `/v1/apps/${app}`)
      const name = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'memory.max' : 'memory.limit_in_bytes'
      return Number(await readFile(`${file}/${(body as { id: string }).id}/${id}/${name}`, 'utf8')) / 1024 / 1024
    }

    it('grow and shrink while it runs, with no restart', async () => {
      const before = await instance()
      await world.http('wild', '/grow?n=40')
      await world.cli(['ps:resize', 'web', '--memory', '384M', '--cpu', '0.5', '-a', 'wild'])
      assert.equal(await kernelLimit(before.id), 384)
      await world.cli(['ps:resize', 'web', '--memory', '192M', '-a', 'wild'])
      assert.equal(await kernelLimit(before.id), 192)
      const after = await instance()
      assert.deepEqual([after.id, after.restarts, after.memoryMb, after.cpuMilli], [before.id, 0, 192, 500])
      assert.match((await world.http('wild', '/')).body, /holds 40 MB/)
      const { stdout } = await world.cli(['releases', '-a', 'wild'])
      assert.match(stdout, /v\d+ +live +Resize web to 192 MB, 0\.5 CPU/)
      assert.match(stdout, /v\d+ +superseded +Resize web to 384 MB, 0\.5 CPU/)
    })

    it('are not made smaller than what it uses: refused with the figure, and nothing changes', async () => {
      await world.http('wild', '/grow?n=60')
      const { id } = await instance()
      await waitFor(async () => ((await instance()).memoryBytesUsed ?? 0) > 100 * 1024 * 1024, {
        timeoutMs: 40_000,
        what: 'a sample of its memory',
      })
      const { code, stderr } = await world.cli(['ps:resize', 'web', '--memory', '64M', '-a', 'wild'], {
        allowFailure: true,
      })
      assert.notEqual(code, 0)
      assert.match(stderr, /web\.1 uses 1\d\d MB/)
      assert.equal(await kernelLimit(id), 192)
    })

    it('S41: tells running out of memory from a crash, with the last output, in ps and events', async () => {
      await world.http('wild', '/grow?n=400').catch(() => null)
      await waitFor(async () => (await events('outOfMemory')).length > 0, { timeoutMs: 30_000, what: 'the event' })
      await answers()
      const [killed] = await events('outOfMemory')
      assert.match(killed?.text ?? '', /web\.1 was killed: it needed more than its 192 MB/)
      await world.http('wild', '/exit?n=3').catch(() => null)
      await waitFor(async () => (await events('exited')).length > 0, { timeoutMs: 30_000, what: 'the event' })
      await answers()
      const [crashed] = await events('exited')
      assert.match(crashed?.text ?? '', /web\.1 exited with code 3/)
      assert.ok(crashed?.lastOutput.includes('the app ends itself'), JSON.stringify(crashed))
      const { stdout } = await world.cli(['events', '-a', 'wild'])
      assert.match(stdout, /outOfMemory[\s\S]*192 MB/)
      assert.match(stdout, /the app ends itself/)
    })

    it('S43: tells a full disk from a crash, and both from a stop, with the last output, in ps and events', async () => {
      const said = JSON.stringify(await world.http('wild', '/fill').catch(String))
      await waitFor(async () => (await events('diskFull')).length > 0, {
        timeoutMs: 60_000,
        what: 'the event',
        detail: () => said,
      })
      assert.match((await events('diskFull'))[0]?.text ?? '', /had filled its 10\d\d MB of disk/)
      // Its fourth end: it comes back only after 30 s, and ps says meanwhile why.
      const shown = (await world.cli(['ps', '-a', 'wild'])).stdout
      assert.match(shown, /web\.1 \(v\d+, diskFull\): .*had filled its 10\d\d MB of disk/)
      const told = async (kind: string) => (await world.cli(['events', '-a', 'wild', '--kind', kind])).stdout
      assert.match(await told('diskFull'), /diskFull +web\.1 .*had filled its[^]*\n {4}.*Node\.js v/)
      for (const count of ['web=0', 'web=1']) await world.cli(['scale', count, '-a', 'wild'])
      await answers()
      const { id } = await instance()
      await world.cli(['scale', 'web=0', '-a', 'wild'])
      const stopOf = async () => (await events('stopped')).find((event) => event.instance === id)
      await waitFor(async () => (await stopOf()) !== undefined, { timeoutMs: 40_000, what: 'the event' })
      assert.match((await stopOf())?.text ?? '', /web\.1 \(v\d+\) was stopped, as it was told\./)
      assert.ok((await stopOf())?.lastOutput.includes('the app is told to end'), JSON.stringify(await stopOf()))
      assert.match(await told('stopped'), /stopped +web\.1 .*as it was told\.\n {4}.*the app is told to end/)
      assert.doesNotMatch((await world.cli(['ps', '-a', 'wild'])).stdout, /diskFull/)
      await world.cli(['scale', 'web=1', '-a', 'wild'])
      await answers()
    })

    it('S70: say what the network refused it', async () => {
      await world.http('wild', '/mail')
      await waitFor(async () => (await events('mailRefused')).length > 0, { timeoutMs: 40_000, what: 'the event' })
      const [refused] = await events('mailRefused')
      assert.match(refused?.text ?? '', /web\.1 tried to send mail by port 25, which is closed to apps, once/)
      assert.equal(refused?.instance, (await instance()).id)
      assert.match((await world.cli(['events', '-a', 'wild'])).stdout, /mailRefused/)
    })

    it('freeze and thaw it without losing its memory; requests meanwhile are told why', async () => {
      await world.http('wild', '/grow?n=10')
      const before = await instance()
      await world.cli(['ps:pause', '-a', 'wild'])
      await waitFor(async () => (await world.http('wild', '/')).status === 503, { timeoutMs: 10_000, what: 'a 503' })
      const refused = await world.http('wild', '/')
      assert.match(refused.body, /paused/)
      await world.cli(['ps:resume', '-a', 'wild'])
      await answers()
      assert.match((await world.http('wild', '/')).body, /holds 10 MB/)
      assert.deepEqual([(await instance()).id, (await instance()).restarts], [before.id, before.restarts])
    })

    it('are its tenant’s plan’s: refused with what is short, and suspended and resumed as a whole', async () => {
      await world.cli(['plans:create', 'tiny', '--memory', '512M', '--instances', '3', '--instance-memory', '512M'])
      await world.cli(['tenants:set-plan', 'default', 'tiny'])
      const { code, stderr } = await world.cli(['scale', 'web=3', '-a', 'wild'], { allowFailure: true })
      assert.notEqual(code, 0)
      assert.match(stderr, /needs \d+ MB.*left of plan tiny's 512 MB/)
      await world.cli(['tenants:suspend', 'default', '--reason', 'unpaid'])
      await waitFor(async () => (await world.http('wild', '/')).status === 503, { timeoutMs: 20_000, what: 'a 503' })
      await world.cli(['tenants:resume', 'default'])
      await answers()
    })
  })
