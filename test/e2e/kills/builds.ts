import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { slotOf, waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

type Build = { id: string; state: string; error: string | null; phases: { name: string; ms: number }[] }

export const builds = (start: Start): void =>
  void describe('Builds, from the outside', () => {
    let world: World
    before(async function () {
      this.timeout(180_000)
      world = await start()
      await world.cli(['create', 'slow'])
    })

    const builds = async (): Promise<Build[]> =>
      ((await world.api('GET', '/v1/apps/slow/builds').catch(() => null))?.body as { builds: Build[] } | undefined)
        ?.builds ?? []

    /** Pushes an app whose build takes until it is ended, and waits until it is at that. */
    async function aLongBuild(seconds: number): Promise<{ id: string; pushed: Promise<{ output: string }> }> {
      const before = (await builds()).length
      const pushed = world.pushApp('slow', 'slow-build', {
        change: { 'build.js': `console.log('busy ' + ${before}); setTimeout(() => {}, ${seconds * 1000})` },
      })
      await waitFor(async () => (await builds()).length > before, { timeoutMs: 60_000, what: 'the accepted build' })
      const id = (await builds())[0]?.id ?? ''
      await waitFor(
        async () => (await world.cli(['builds:output', id, '-a', 'slow'])).stdout.includes(`busy ${before}`),
        {
          timeoutMs: 60_000,
          what: 'the build script',
        },
      )
      return { id, pushed }
    }

    /** What of builds is on the host: sandboxes, workspaces, mounts, loop devices, cgroups, processes. */
    async function leftOnHost(): Promise<string[]> {
      const agent = join(world.home, 'agent')
      const groups = await promisify(execFile)('find', [
        '/sys/fs/cgroup',
        '-path',
        `*/berth-${await slotOf(world.home)}/_builds/*/*/*`,
      ]).catch((error: { stdout: string }) => error)
      const loops = await promisify(execFile)('losetup', ['-a'])
      const builtIn = (text: string) =>
        text.split('\n').filter((line) => line.includes(`${agent}/builds/`) || line.includes(`${agent}/caches/`))
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
      const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')))
      return [
        ...(await readdir(join(agent, 'builds'))).filter((name) => name !== 'stacks'),
        ...(await readdir(join(agent, 'sandboxes'))).filter((name) => name.startsWith('b-')),
        ...(await readdir(join(agent, 'run/bundles'))).filter((name) => name.startsWith('b-')),
        ...builtIn(await readFile('/proc/mounts', 'utf8')),
        ...builtIn(loops.stdout),
        ...groups.stdout.split('\n').filter((line) => line !== ''),
        ...commands.filter((line) => line.includes(`${agent}/`) && /\0b-[cd]-/.test(line)),
      ]
    }

    /** A loop device goes with the last copy of its mount, which a sandbox of a neighbour may hold for a moment. */
    async function nothingLeft(): Promise<void> {
      let left: string[] = []
      await waitFor(async () => (left = await leftOnHost()).length === 0, {
        timeoutMs: 90_000,
        what: 'a host without anything of a build',
        detail: () => `There is: ${left.join(', ')}`,
      })
    }

    const isOver = async (id: string): Promise<Build> => {
      let found: Build | undefined
      await waitFor(
        async () => {
          found = (await builds()).find((build) => build.id === id)
          return ['succeeded', 'failed', 'cancelled'].includes(found?.state ?? '')
        },
        { timeoutMs: 120_000, what: 'the end of the build' },
      )
      return found as Build
    }

    it('tell how long their parts took, and whether there was a cache', async function () {
      this.timeout(120_000)
      const { code, output } = await world.pushApp('slow', 'node-plain')
      assert.equal(code, 0, output)
      assert.match(output, /-----> Cache: none yet on this host/)
      assert.match(output, /(?:prepare|detect|compile|pack|start) \d+\.\d s · /)
      const [build] = await builds()
      for (const name of ['queue', 'prepare', 'detect', 'compile', 'pack', 'start'])
        assert.ok(
          build?.phases.some((phase) => phase.name === name),
          `no phase ${name}`,
        )
      await nothingLeft()
    })

    it('B04: end at once when they are cancelled, with who did it, and leave nothing on the host', async function () {
      this.timeout(180_000)
      const { id, pushed } = await aLongBuild(600)
      const { stdout } = await world.cli(['builds:cancel', '-a', 'slow'])
      assert.match(stdout, new RegExp(`${id} is cancelled`))
      assert.match((await pushed).output, /Cancelled by /)
      assert.equal((await builds())[0]?.state, 'cancelled')
      await nothingLeft()
      assert.equal((await world.http('slow', '/')).status, 200)
    })

    for (const part of ['agent', 'controller', 'redis'] as const) {
      it(`I4: are finished or reported failed, and leave nothing on the host, when the ${part} is killed in the middle`, async function () {
        this.timeout(240_000)
        const { id, pushed } = await aLongBuild(3)
        await world.killPart(part)
        const build = await isOver(id)
        assert.equal(build.state, 'succeeded', build.error ?? '')
        await pushed
        await nothingLeft()
      })
    }

    it('I4: one that is cancelled while its agent is dead is gone when the agent is back', async function () {
      this.timeout(240_000)
      const { id, pushed } = await aLongBuild(600)
      const killed = world.killPart('agent')
      await world.cli(['builds:cancel', id, '-a', 'slow'])
      await killed
      assert.equal((await isOver(id)).state, 'cancelled')
      await pushed
      await nothingLeft()
    })
  })
