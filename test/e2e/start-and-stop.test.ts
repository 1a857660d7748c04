import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BERTH } from '#test/helpers/command-line.ts'
import { freePort, startWorld, waitFor, type World } from '#test/helpers/world.ts'

const UP = fileURLToPath(new URL('../../scripts/up.ts', import.meta.url))

/** One app through all ways in which Berth ends, and starts again; the last is on another machine, from a backup. */
describe('npm run up', function () {
  this.timeout(180_000)
  let home: string
  let elsewhere: string
  let vault: string
  let world: World | undefined
  let answer: string
  before(async () => {
    const made = (what: string) => mkdtemp(join(tmpdir(), `berth-${what}-`))
    ;[home, elsewhere, vault] = await Promise.all([made('home'), made('home'), made('vault')])
    await chmod(elsewhere, 0o711)
    await writeFile(secret(), 'a long passphrase\n')
  })
  after(async () => {
    await world?.stop()
    for (const folder of [home, elsewhere, vault]) await rm(folder, { recursive: true, force: true })
  })

  const backup = () => join(vault, 'all.backup')
  const secret = () => join(vault, 'secret')
  const restore = (into: string, port: number, ...more: string[]) =>
    spawnSync(BERTH, ['restore', backup(), '--passphrase-file', secret(), ...more], {
      env: { ...process.env, BERTH_HOME: into, BERTH_API_PORT: String(port) },
      encoding: 'utf8',
      timeout: 120_000,
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
    await world.cli(['config:set', 'COLOUR=teal', '-a', 'lasting'])
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
  })

  it('is saved while it runs, and not written over then', async () => {
    assert.ok(world)
    answer = (await world.http('lasting', '/')).body
    const saved = await world.cli(['backup', backup(), '--passphrase-file', secret(), '--json'])
    assert.equal((JSON.parse(saved.stdout) as { sealed: boolean }).sealed, true)
    assert.doesNotMatch((await readFile(backup())).subarray(0, 4096).toString('latin1'), /berth-backup|master-key/)
    const refused = restore(home, await freePort(), '--force')
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /Berth runs already for this data folder/)
    assert.match((await world.cli(['audit:verify'])).stdout, /^Whole: \d+ entries/)
    // Fails when anything is left, of this run or of those before.
    await world.stop()
  })

  it('brings the apps of a backup back on an empty machine, with their config, and git goes on', async () => {
    const restored = restore(elsewhere, await freePort())
    assert.equal(restored.status, 0, restored.stderr)
    assert.match(restored.stdout, /^Restored the backup of .*: \d+ keys of state/)
    world = await startWorld({ home: elsewhere })
    await answersAgain('the app of the backup')
    assert.equal((await world.http('lasting', '/')).body, answer)
    assert.equal((await world.cli(['config:get', 'COLOUR', '-a', 'lasting'])).stdout.trim(), 'teal')
    const again = await world.pushApp('lasting', 'node-plain', { change: { 'extra.txt': 'more' } })
    assert.equal(again.code, 0, again.output)
    assert.match((await world.cli(['audit:verify'])).stdout, /^Whole: \d+ entries/)
    assert.match((await world.cli(['audit', '--operation', 'restore'])).stdout, /restore/)
    await world.stop()
    world = undefined
  })
})
