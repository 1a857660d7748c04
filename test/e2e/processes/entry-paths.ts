import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { waitFor, type World } from '#test/helpers/world.ts'
import { BERTH } from '#test/helpers/command-line.ts'
import type { Start } from '#test/helpers/shared-world.ts'

const NONE = '0'.repeat(16)
/** As a process sees itself: the ids are its own namespace's. */
const EXPECTED =
  `Uid: 1000 1000 1000 1000; CapInh: ${NONE}; CapPrm: ${NONE}; CapEff: ${NONE}; CapBnd: ${NONE}; CapAmb: ${NONE}; ` +
  'NoNewPrivs: 1; Seccomp: 2'

/**
 * Every way by which a tenant's code starts. Health checks are not among them: they ask over the network, and nothing of
 * theirs runs inside. The platform's own detect, where no code of the tenant's runs, is held by hostile-builds.test.ts.
 */
export const entryPaths = (start: Start): void =>
  void describe('Whichever way a tenant’s code starts', () => {
    let world: World
    let pushed: string
    before(async function () {
      this.timeout(180_000)
      world = await start()
      await world.cli(['create', 'rights'])
      const { code, output } = await world.pushApp('rights', 'shows-rights')
      assert.equal(code, 0, output)
      pushed = output
      await world.cli(['scale', 'worker=1', '-a', 'rights'])
    })

    function assertUnprivileged(text: string, where: string): void {
      for (const who of [where, `${where}'s child`]) {
        const said = text.split(`rights of ${who}: `)[1]?.split('\n')[0]?.trim()
        assert.equal(said, EXPECTED, `${who} in ${text}`)
      }
    }

    it('S01: a step of the build has no rights', () => assertUnprivileged(pushed, 'build'))

    it('S01: web has no rights', async () => assertUnprivileged((await world.http('rights', '/')).body, 'web'))

    it('S01: a release command has no rights', () => assertUnprivileged(pushed, 'release'))

    it('S01: a one-off run has no rights', async function () {
      this.timeout(60_000)
      assertUnprivileged((await world.cli(['run', '-a', 'rights', 'node', 'rights.js', 'run'])).stdout, 'run')
    })

    it('S01: a one-off run on a terminal of its own has no rights', async function () {
      this.timeout(60_000)
      const line = `${BERTH} run -a rights node rights.js terminal`
      const child = spawn('script', ['-qec', line, '/dev/null'], { env: world.env, stdio: ['pipe', 'pipe', 'ignore'] })
      assertUnprivileged(await text(child.stdout), 'terminal')
    })

    it('S01: a command inside an instance that runs has no rights', async function () {
      this.timeout(60_000)
      const said = await world.cli(['ps:exec', '-a', 'rights', 'web.1', '--', 'node', 'rights.js', 'exec'])
      assertUnprivileged(said.stdout, 'exec')
    })

    it('S01: a shell inside an instance, on a terminal of its own, has no rights', async function () {
      this.timeout(60_000)
      const line = `${BERTH} ps:exec -a rights worker.1 node rights.js shell`
      const child = spawn('script', ['-qec', line, '/dev/null'], { env: world.env, stdio: ['pipe', 'pipe', 'ignore'] })
      assertUnprivileged(await text(child.stdout), 'shell')
    })

    it('a command inside an instance passes bytes both ways and its exit code, is told, and not begun where nothing runs', async function () {
      this.timeout(60_000)
      const ran = await world.cli(['ps:exec', '-a', 'rights', 'cat; exit 3'], { input: 'through', allowFailure: true })
      assert.deepEqual([ran.code, ran.stdout], [3, 'through'])
      assert.match((await world.cli(['events', '-a', 'rights'])).stdout, /`cat; exit 3` was begun inside web\.1/)
      assert.match(
        (await world.cli(['logs', '-a', 'rights', '-s', 'platform'])).stdout,
        /`cat; exit 3` was begun inside/,
      )
      const nowhere = await world.cli(['ps:exec', '-a', 'rights', 'web.9', 'true'], { allowFailure: true })
      assert.match(nowhere.stderr, /NOT_FOUND/)
    })

    it('a forwarded port leads to that instance, for several at a time, and to nothing where nothing listens', async function () {
      this.timeout(60_000)
      const [port, other] = [await freePort(), await freePort()]
      const args = ['ps:forward', '-a', 'rights', 'web.1', `${port}:5000`, `${other}:5999`]
      const child = spawn(BERTH, args, { env: world.env, stdio: ['ignore', 'pipe', 'pipe'] })
      let said = ''
      child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
      await once(child.stdout, 'data')
      const bodies = await Promise.all([1, 2, 3].map(async () => (await fetch(`http://127.0.0.1:${port}/`)).text()))
      for (const body of bodies) assertUnprivileged(body, 'web')
      await assert.rejects(fetch(`http://127.0.0.1:${other}/`))
      await waitFor(() => said.includes('Nothing listens on port 5999 in web.1'), {
        timeoutMs: 10_000,
        what: 'why',
        detail: () => said,
      })
      child.kill('SIGINT')
      const [code] = (await once(child, 'exit')) as [number]
      assert.equal(code, 0)
    })

    it('one log has the app’s lines, its requests, its build and what the platform did, each with its source', async function () {
      this.timeout(60_000)
      await world.http('rights', '/asked')
      const expected = {
        app: /app\[worker\.1\]: rights of worker/,
        router: /router\[router\]: GET \/asked host=rights\.\S+ status=200 ms=\S+ bytes=\d+ instance=i-\S+ id=/,
        build: /build\[build\]: .*rights of build/,
        platform: /platform\[web\.1\]: web\.1 is ready after/,
      }
      for (const [source, line] of Object.entries(expected)) {
        let said = ''
        const isThere = async () =>
          line.test((said = (await world.cli(['logs', '-n', '5000', '-s', source, '-a', 'rights'])).stdout))
        await waitFor(isThere, { timeoutMs: 20_000, what: `a line of ${source}`, detail: () => said })
      }
    })

    it('S01: a worker has no rights', async function () {
      this.timeout(30_000)
      let log = ''
      const hasSpoken = async () => {
        log = (await world.cli(['logs', '-a', 'rights'])).stdout
        return log.includes("rights of worker's child")
      }
      await waitFor(hasSpoken, { timeoutMs: 25_000, what: 'the worker’s log', detail: () => log })
      assertUnprivileged(log, 'worker')
    })
  })

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
