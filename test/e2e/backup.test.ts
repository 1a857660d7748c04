import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, startWorld, waitFor, type World } from '#test/helpers/world.ts'

const BERTH = fileURLToPath(new URL('../../bin/berth', import.meta.url))

describe('a backup', () => {
  let folder: string
  let home: string
  let worlds: World[] = []
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-vault-'))
    home = await mkdtemp(join(tmpdir(), 'berth-home-'))
    await chmod(home, 0o711)
  })
  after(async function () {
    this.timeout(120_000)
    for (const world of worlds) await world.stop()
    await rm(folder, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  })

  it('brings the apps back on an empty machine, with their config, and git goes on', async function () {
    this.timeout(420_000)
    const [file, secret] = [join(folder, 'all.backup'), join(folder, 'secret')]
    await writeFile(secret, 'a long passphrase\n')
    const first = await startWorld()
    worlds = [first]
    await first.cli(['create', 'kept'])
    await first.cli(['config:set', 'COLOUR=teal', '-a', 'kept'])
    assert.equal((await first.pushApp('kept', 'node-plain')).code, 0)
    const before = await first.http('kept', '/')
    assert.equal(before.status, 200)
    const saved = await first.cli(['backup', file, '--passphrase-file', secret, '--json'])
    assert.equal((JSON.parse(saved.stdout) as { sealed: boolean }).sealed, true)
    assert.doesNotMatch((await readFile(file)).subarray(0, 4096).toString('latin1'), /berth-backup|master-key/)

    const restoring = (into: string, port: number, ...more: string[]) =>
      spawnSync(BERTH, ['restore', file, '--passphrase-file', secret, ...more], {
        env: { ...process.env, BERTH_HOME: into, BERTH_API_PORT: String(port) },
        encoding: 'utf8',
        timeout: 120_000,
      })
    const refused = restoring(first.home, await freePort(), '--force')
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /Berth runs already for this data folder/)
    const kept = await first.cli(['audit:verify'])
    assert.match(kept.stdout, /^Whole: \d+ entries/)
    await first.stop()
    worlds = []

    const restored = restoring(home, await freePort())
    assert.equal(restored.status, 0, restored.stderr)
    assert.match(restored.stdout, /^Restored the backup of .*: \d+ keys of state/)
    const second = await startWorld({ home })
    worlds = [second]
    const answers = async () => (await second.http('kept', '/').catch(() => null))?.body === before.body
    await waitFor(answers, { timeoutMs: 120_000, what: 'the app to answer' })
    assert.equal((await second.cli(['config:get', 'COLOUR', '-a', 'kept'])).stdout.trim(), 'teal')
    const again = await second.pushApp('kept', 'node-plain', { change: { 'extra.txt': 'more' } })
    assert.equal(again.code, 0, again.output)
    assert.match((await second.cli(['audit:verify'])).stdout, /^Whole: \d+ entries/)
    assert.match((await second.cli(['audit', '--operation', 'restore'])).stdout, /restore/)
  })
})
