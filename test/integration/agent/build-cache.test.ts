import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, open, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheOf, collectCaches, describeCache, openCache } from '../../../agent/builds/cache.ts'
import { mountPoints, unmount } from '../../../agent/sandbox/mounts.ts'

const settings = { owner: 300_000, generation: 0, sizeMb: 32 }
const DAY = 24 * 3600_000

describe('The cache of an app’s builds', function () {
  this.timeout(60_000)
  let folder: string
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-caches-'))))
  afterEach(async () => {
    for (const path of await mountPoints()) if (path.startsWith(folder)) await unmount(path)
    await rm(folder, { recursive: true, force: true })
  })

  const cache = () => cacheOf(folder, 'a-app')
  /** One build, which leaves a file. */
  async function built(change: Partial<typeof settings> = {}, bytes = 1024): Promise<string> {
    const found = await openCache(cache(), { ...settings, ...change })
    await writeFile(join(cache().files, 'kept'), Buffer.alloc(bytes, 1)).catch(() => undefined)
    await unmount(cache().folder)
    return found.state
  }

  it('is new, then kept, and the pusher is told how much is in it', async () => {
    assert.equal(await built(), 'new')
    assert.equal(await built({}, 5 * 1024 * 1024), 'kept')
    const found = await openCache(cache(), settings)
    assert.ok(existsSync(join(cache().files, 'kept')))
    assert.match(describeCache(found), /^-----> Cache: [5-7] MB from the build before$/)
  })

  it('is made anew on each host once it was purged', async () => {
    await built()
    await writeFile(cache().dependencies, '{}')
    assert.equal(await built({ generation: 1 }), 'purged')
    assert.ok(!existsSync(cache().dependencies), 'the layer of dependencies is not reused')
    assert.equal(await built({ generation: 1 }), 'kept')
  })

  it('is cleared when it is full, and the build after that has room', async () => {
    await built({}, 64 * 1024 * 1024)
    assert.equal(await built(), 'full')
    assert.equal(await built(), 'kept')
  })

  it('is made anew when its image cannot be read', async () => {
    await built()
    const file = await open(cache().image, 'r+')
    await file.write(Buffer.alloc(256 * 1024, 0xff), 0, 256 * 1024, 0)
    await file.close()
    assert.equal(await built(), 'broken')
    assert.equal(await built(), 'kept')
  })

  it('is usable when the build before was cut off with the machine', async () => {
    await openCache(cache(), settings)
    await writeFile(join(cache().files, 'half'), 'x')
    // A copy of the image while it is mounted is what a power cut leaves.
    await copyFile(cache().image, join(folder, 'copy'))
    await unmount(cache().folder)
    await copyFile(join(folder, 'copy'), cache().image)
    await rm(join(folder, 'copy'))
    assert.match(await built(), /kept|broken/)
    assert.equal(await built(), 'kept')
  })

  it('goes with its app, and when nothing was built for 30 days; one that a build uses stays', async () => {
    await built()
    const gone = { isThere: () => Promise.resolve(false), now: Date.now() }
    const there = { isThere: () => Promise.resolve(true), isBuilding: () => false }
    assert.deepEqual(await collectCaches(folder, { ...gone, isBuilding: () => true }), [])
    assert.deepEqual(await collectCaches(folder, { ...there, now: Date.now() }), [])
    assert.deepEqual(await collectCaches(folder, { ...gone, isBuilding: () => false }), ['a-app'])
    assert.deepEqual(await readdir(folder), [])
    await built()
    await utimes(cache().note, new Date(), new Date(Date.now() - 31 * DAY))
    assert.deepEqual(await collectCaches(folder, { ...there, now: Date.now() }), ['a-app'])
  })
})
