import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setTimeout as wait } from 'node:timers/promises'
import { slotOf, waitFor, type World } from '#test/helpers/world.ts'
import type { Start } from '#test/helpers/shared-world.ts'

/** What goes while find looks makes it complain, and is not what is looked for. */
const cgroupsOf = async (pattern: string): Promise<string[]> =>
  (
    await promisify(execFile)('find', ['/sys/fs/cgroup', '-path', pattern]).catch((error: { stdout: string }) => error)
  ).stdout.split('\n')

async function commandLines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return texts.map((text) => text.replaceAll('\0', ' '))
}

/** Says which process answers, and ends when it is asked to. */
const server = `
const startedAt = Date.now()
require('node:http').createServer((request, response) => {
  if (request.url === '/exit') process.exit(1)
  response.end(JSON.stringify({ instance: process.env.BERTH_INSTANCE, pid: process.pid, startedAt }))
}).listen(process.env.PORT, '0.0.0.0', () => console.log('listening on port ' + process.env.PORT))
process.on('SIGTERM', () => process.exit(0))
`

/** Within these milliseconds an instance starts on a machine that has nothing else to do. */
const START_MS = 120
const THIRDS = [0, 1, 2]

type Deploys = { deploys: { id: string; state: string; error: string | null }[] }

export const faults = (start: Start): void =>
  void describe('Kill -9 of any part in the middle of a deploy', () => {
    let world: World
    before(async function () {
      this.timeout(180_000)
      world = await start()
      await world.cli(['create', 'tough'])
      const { code, output } = await push('0')
      assert.equal(code, 0, output)
    })

    const push = (version: string) =>
      world.pushApp('tough', 'node-plain', { change: { 'server.js': server, 'version.txt': version } })
    const deploys = async () =>
      ((await world.api('GET', '/v1/apps/tough/deploys').catch(() => null))?.body as Deploys | undefined)?.deploys

    for (const part of ['controller', 'agent', 'router', 'redis'] as const) {
      it(`I1, I4: the deploy is finished or reported failed, and the app serves on, when the ${part} is killed`, async function () {
        this.timeout(150_000)
        const before = (await deploys())?.length ?? 0
        const pushed = push(part)
        await waitFor(async () => ((await deploys())?.length ?? 0) > before, {
          timeoutMs: 30_000,
          what: 'the accepted deploy',
        })
        await wait(400)
        await world.killPart(part)
        await pushed
        await waitFor(async () => ['succeeded', 'failed'].includes((await deploys())?.[0]?.state ?? ''), {
          timeoutMs: 100_000,
          what: 'the end of the deploy',
        })
        assert.equal((await deploys())?.[0]?.state, 'succeeded', (await deploys())?.[0]?.error ?? '')
        await waitFor(async () => (await world.http('tough', '/').catch(() => null))?.status === 200, {
          timeoutMs: 20_000,
          what: 'an answer of the app',
        })
      })
    }

    it('F19: a killed agent leaves its instances running and finds them again', async function () {
      this.timeout(90_000)
      const instanceOf = async () =>
        JSON.parse((await world.http('tough', '/')).body) as { instance: string; pid: number; startedAt: number }
      const before = await instanceOf()
      await world.killPart('agent')
      assert.deepEqual(await instanceOf(), before)
      await waitFor(async () => (await world.cli(['ps', '-a', 'tough'])).stdout.includes('running'), {
        timeoutMs: 30_000,
        what: 'the agent',
      })
      await world.cli(['scale', 'web=2', '-a', 'tough'])
      await world.cli(['scale', 'web=1', '-a', 'tough'])
      assert.equal((await world.http('tough', '/')).status, 200)
    })

    for (const third of THIRDS) {
      it(`leaves whole instances or none when the agent is killed in the ${['first', 'second', 'last'][third]} third of their start`, async function () {
        this.timeout(90_000)
        // Another moment in each run, so that in time there is none at which it was not.
        const afterMs = Math.round(((third + Math.random()) * START_MS) / THIRDS.length)
        const asked = world.cli(['scale', 'web=4', '-a', 'tough'], { allowFailure: true })
        await waitFor(async () => (await instances()).length > 1, { timeoutMs: 20_000, what: 'the first start' })
        await wait(afterMs)
        await world.killPart('agent')
        await asked
        await waitFor(async () => (await instances()).filter(({ state }) => state === 'running').length === 4, {
          timeoutMs: 40_000,
          what: `four running instances, with the agent killed after ${afterMs} ms`,
        })
        // Those of the case before may be on their way out still.
        const onlyThese = async () => {
          const ids = (await instances()).map(({ id }) => id).sort()
          return ids.length === 4 && sameList(await onHost(), ids)
        }
        await waitFor(onlyThese, {
          timeoutMs: 40_000,
          what: 'these four, and nothing on the host but them',
          detail: () => `There is ${lastSeen}; the agent was killed after ${afterMs} ms.`,
        })
        await world.cli(['scale', 'web=1', '-a', 'tough'])
      })
    }

    const instances = async () => {
      const answer = await world.api('GET', '/v1/apps/tough/instances').catch(() => null)
      return (answer?.body as { instances: { id: string; state: string }[] } | undefined)?.instances ?? []
    }

    let lastSeen = ''
    /** What of each kind is there, once per sandbox: its process's keeper, its two mounts, its bundle, its cgroup. */
    async function onHost(): Promise<string[][]> {
      const { home } = world
      const conmons = (await commandLines()).filter((line) => line.startsWith('conmon') && line.includes(`${home}/`))
      const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').filter((line) => line.includes(`${home}/`))
      const groups = await cgroupsOf(`*/berth-${await slotOf(home)}/default/*`)
      const idsIn = (lines: string[]) => lines.flatMap((line) => /\b(i-[a-z0-9]{13})\b/.exec(line)?.[1] ?? [])
      const seen = [
        idsIn(conmons),
        idsIn(mounts.filter((line) => line.includes('/app '))),
        idsIn(mounts.filter((line) => line.includes('/scratch '))),
        await readdir(join(home, 'agent/run/bundles')),
        idsIn(groups),
      ].map((ids) => [...new Set(ids)].sort())
      lastSeen = JSON.stringify(seen)
      return seen
    }
    const sameList = (seen: string[][], ids: string[]) => seen.every((some) => some.join() === ids.join())

    it('an app that crashes is started again', async function () {
      this.timeout(60_000)
      await world.http('tough', '/exit').catch(() => null)
      await waitFor(async () => (await world.http('tough', '/').catch(() => null))?.status === 200, {
        timeoutMs: 30_000,
        what: 'the restarted app',
      })
      const { stdout } = await world.cli(['logs', '-n', '1500', '-a', 'tough'])
      assert.match(stdout, /exited with code 1/)
      const lines = stdout.split('\n').filter((line) => line.includes(' app['))
      assert.equal(new Set(lines).size, lines.length, 'a line of output was stored twice')
    })

    it('F24: the router serves on while Redis is away', async function () {
      this.timeout(60_000)
      await world.killPart('redis')
      for (let i = 0; i < 20; i++) {
        assert.equal((await world.http('tough', '/')).status, 200)
        await wait(50)
      }
      await waitFor(async () => (await world.api('GET', '/v1/apps').catch(() => null))?.status === 200, {
        timeoutMs: 30_000,
        what: 'the API',
      })
    })
  })
