import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startWorld, waitFor, type World } from '#test/helpers/world.ts'

const UP = fileURLToPath(new URL('../../scripts/up.ts', import.meta.url))

/** One data folder and one app through all ways in which Berth ends, and starts again. */
describe('npm run up', function () {
  this.timeout(180_000)
  let home: string
  let world: World | undefined
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'berth-home-'))
  })
  after(async () => {
    await world?.stop()
    await rm(home, { recursive: true, force: true })
  })

  const answersAgain = (what: string) =>
    waitFor(async () => (await world?.http('lasting', '/').catch(() => null))?.status === 200, {
      timeoutMs: 60_000,
      what,
    })

  it('says how to log in, is refused a second time, and ends on Ctrl-C with code 0 and nothing left', async () => {
    world = await startWorld({ home })
    const { process: up, said } = world.up
    assert.ok(said().includes(`http://APP.localhost:${world.httpPort}/`), said())
    assert.ok(said().includes(`BERTH_API_URL=${world.apiUrl} BERTH_TOKEN=$(cat ${home}/operator-token)`), said())
    const second = spawnSync(process.execPath, [UP], { env: world.env, encoding: 'utf8', timeout: 20_000 })
    assert.equal(second.status, 1)
    assert.match(second.stderr, new RegExp(`^Berth runs already for this data folder, as pid ${up.pid}\\.[^\\n]*\\n$`))
    await world.cli(['create', 'lasting'])
    const { code, output } = await world.pushApp('lasting', 'node-plain')
    assert.equal(code, 0, output)
    await answersAgain('the app')

    up.kill('SIGINT')
    await once(up, 'exit')
    assert.equal(up.exitCode, 0, said())
    // Fails when anything is left.
    await world.stop()
  })

  it('brings back everything at the next start', async () => {
    world = await startWorld({ home })
    await answersAgain('the app of the first run')
  })

  it('starts again after it was killed, and ends what it had left', async () => {
    process.kill(Number(await readFile(join(home, 'run/up.pid'), 'utf8')), 'SIGKILL')
    world = await startWorld({ home })
    await answersAgain('the app of the killed run')
  })

  it('starts again after everything was killed at once', async () => {
    await world?.killAll()
    world = await startWorld({ home })
    await answersAgain('the app of the killed run')
    // Fails when anything is left, of this run or of those before.
    await world.stop()
    world = undefined
  })
})
