import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, leftBehind, slotOf, startWorld, waitFor, type World } from '#test/helpers/world.ts'

const UP = fileURLToPath(new URL('../../scripts/up.ts', import.meta.url))

describe('npm run up', () => {
  let home: string
  let world: World | undefined
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'berth-home-'))
  })
  after(async function () {
    this.timeout(60_000)
    await world?.stop()
    await rm(home, { recursive: true, force: true })
  })

  const answers = async () => (await world?.http('lasting', '/').catch(() => null))?.status === 200

  it('says how to log in, is refused a second time, and ends on Ctrl-C with code 0 and nothing left', async function () {
    this.timeout(120_000)
    const ports = [await freePort(), await freePort(), await freePort()]
    const env = {
      ...process.env,
      BERTH_HOME: home,
      BERTH_API_PORT: String(ports[0]),
      BERTH_HTTP_PORT: String(ports[1]),
      BERTH_AGENT_PORT: String(ports[2]),
      BERTH_INTERNAL_PORT: String(await freePort()),
      BERTH_HTTPS_PORT: String(await freePort()),
      BERTH_SSH_PORT: String(await freePort()),
    }
    const up = spawn(process.execPath, [UP], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    let slot: string
    up.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    try {
      await waitFor(() => output.includes('ready') || up.exitCode !== null, { timeoutMs: 60_000, what: 'ready' })
      slot = await slotOf(home)
      assert.ok(output.includes(`http://APP.localhost:${ports[1]}/`), output)
      assert.ok(
        output.includes(`BERTH_API_URL=http://127.0.0.1:${ports[0]} BERTH_TOKEN=$(cat ${home}/operator-token)`),
        output,
      )
      const second = spawnSync(process.execPath, [UP], { env, encoding: 'utf8', timeout: 20_000 })
      assert.equal(second.status, 1)
      assert.match(
        second.stderr,
        new RegExp(`^Berth runs already for this data folder, as pid ${up.pid}\\.[^\\n]*\\n$`),
      )
    } finally {
      up.kill('SIGINT')
      if (up.exitCode === null) await once(up, 'exit')
    }
    assert.equal(up.exitCode, 0, output)
    assert.deepEqual(await leftBehind(home, slot), [])
  })

  it('brings back everything at the next start', async function () {
    this.timeout(180_000)
    world = await startWorld({ home })
    await world.cli(['create', 'lasting'])
    const { code, output } = await world.pushApp('lasting', 'node-plain')
    assert.equal(code, 0, output)
    assert.ok(await answers())
    await world.stop()

    world = await startWorld({ home })
    await waitFor(answers, { timeoutMs: 30_000, what: 'the app of the first run' })
  })

  it('starts again after it was killed, and ends what it had left', async function () {
    this.timeout(120_000)
    process.kill(Number(await readFile(join(home, 'run/up.pid'), 'utf8')), 'SIGKILL')
    world = await startWorld({ home })
    await waitFor(answers, { timeoutMs: 30_000, what: 'the app of the killed run' })
    // Fails when anything is left, of this run or of the one before.
    await world.stop()
    world = undefined
  })
})
