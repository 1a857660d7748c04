import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { collectMachineStore } from '../../../agent/machine-store/index.ts'
import { UNUSED_MS } from '../../../agent/machine-store/outdated.ts'
import { preparePlatform } from '../../../agent/platform.ts'

describe('The platform’s own code in build sandboxes', function () {
  this.timeout(60_000)
  const node = dirname(dirname(process.execPath))
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-platform-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const cache = () => join(folder, 'cache')
  const kept = () => readdir(join(cache(), 'platform'))
  const prepared = async (name: string) => {
    await preparePlatform(join(folder, name), cache(), node)
    return stat(join(folder, name, 'main.mjs'))
  }

  it('is made once for all Berths of a machine, and each has copies that anybody can read', async () => {
    const first = await prepared('one')
    const [name = ''] = await kept()
    const path = join(cache(), 'platform', name, 'main.mjs')
    const made = await stat(path)
    const second = await prepared('two')
    assert.deepEqual(await kept(), [name])
    assert.equal((await stat(path)).ino, made.ino, 'it was made again')
    assert.equal(new Set([made.ino, first.ino, second.ino]).size, 3, 'a tenant reads what the host has')
    assert.equal(second.mode & 0o777, 0o644)
    assert.equal((await stat(join(cache(), 'platform'))).mode & 0o777, 0o700)
    assert.match(await readFile(join(folder, 'two/main.mjs'), 'utf8'), /nothing to install/)
    assert.equal((await readdir(join(folder, 'two/compiled'))).length, 1)
  })

  it('goes when nobody has used it for long', async () => {
    const names = await kept()
    const then = new Date(Date.now() - UNUSED_MS - 1000)
    for (const name of names) await utimes(join(cache(), 'platform', name), then, then)
    assert.deepEqual(await collectMachineStore(cache(), [], Date.now()), names)
    assert.deepEqual(await kept(), [])
  })
})
