import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createReadStream, createWriteStream } from 'node:fs'
import type { LayerDigest } from '#core/domain/ids.ts'
import type { ImageKind } from '#core/domain/image.ts'
import type { Release } from '#core/domain/release.ts'
import type { Layer, Slug } from '#core/domain/slug.ts'
import { runBuild, type BuildOutcome } from '#test/helpers/builds.ts'
import { silentLog } from '#core/runtime/log.ts'
import { listImage } from '#test/helpers/images.ts'
import { startTestHost, uidBaseOf, type TestHost } from '#test/helpers/sandboxes.ts'
import { setApart } from '../../../agent/builds/dependencies.ts'
import { pack, type Packing } from '../../../agent/pack.ts'
import { digestOf } from '../../../agent/slug.ts'
import { slugFile } from '../../../controller/slugs/file.ts'
import { openLayers } from '../../../controller/layers.ts'

describe('A ready slug', function () {
  this.timeout(120_000)
  let world: TestHost
  let folder: string
  let slug: Slug
  let older: Slug
  const signal = AbortSignal.timeout(600_000)
  const TIME = 1_700_000_000

  before(async function () {
    this.timeout(180_000)
    world = await startTestHost()
    folder = await mkdtemp(join(tmpdir(), 'berth-ready-'))
    slug = await aSlug('new', 'erofs')
    older = await aSlug('older', 'squashfs')
  })
  after(async () => {
    await world?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** As a build leaves it: dependencies in two folders, one of them beside files of the app. */
  async function aSlug(name: string, kind: ImageKind): Promise<Slug> {
    const size = { entries: kind === 'erofs' ? 1 : 60_000, nameBytes: 1 }
    const app = join(folder, name, 'app')
    for (const [path, text] of Object.entries({
      'node_modules/a/index.js': 'a',
      'web/node_modules/b/index.js': 'b',
      'web/server.js': 'serve',
      'run.sh': '#!/bin/sh\necho hello',
    })) {
      await mkdir(join(app, path, '..'), { recursive: true })
      await writeFile(join(app, path), text, { mode: path === 'run.sh' ? 0o755 : 0o644 })
    }
    const paths = ['node_modules', 'web/node_modules']
    const owner = uidBaseOf('a-origin') + 1000
    const apart = join(folder, name, 'apart')
    await setApart(app, apart, paths)
    const dependencies: Packing = { folder: apart, output: `${apart}.image`, owner, without: [], size }
    await pack(dependencies, { signal, log: silentLog })
    const rest: Packing = { folder: app, output: `${app}.image`, owner, without: paths, time: TIME, size }
    await pack(rest, { signal, log: silentLog })
    const layerOf = async (output: string, kind: 'dependencies' | 'app') => {
      const digest = (await digestOf(output)) as LayerDigest
      const store = await openLayers(join(folder, 'store'))
      await store.write(digest, createReadStream(output))
      return { digest, bytes: (await store.size(digest)) ?? 0, kind }
    }
    return {
      layers: [await layerOf(dependencies.output, 'dependencies'), await layerOf(rest.output, 'app')],
      runtimes: [],
      processes: { web: './run.sh' } as Slug['processes'],
      env: { KEPT: 'yes' },
      health: {},
      cron: [],
      buildpack: 'node',
      stack: 'debian-13-origin',
    }
  }

  async function adopted(app: string, ready = slug): Promise<BuildOutcome> {
    const source = join(folder, 'ready.tar')
    const release = { slug: ready, commit: null } as Release
    const { content } = await slugFile(await openLayers(join(folder, 'store')), release, 'origin v1')
    await pipeline(content, createWriteStream(source))
    return runBuild(world, { source, app, ready })
  }

  const list = (digest: string) => listImage(join(world.folders.layers, `${digest}.squashfs`))

  it('becomes a slug of the app that it is given to: the same files in the same layers, owned by the app’s user', async () => {
    const outcome = await adopted('a-heir')
    assert.ok(outcome.slug, `${outcome.error}\n${outcome.log}`)
    const { layers, ...rest } = outcome.slug
    const { layers: _, ...kept } = slug
    assert.deepEqual(rest, { ...kept, stack: 'test' })
    assert.deepEqual(
      layers.map(({ kind }) => kind),
      ['dependencies', 'app'],
    )
    const owner = uidBaseOf('a-heir') + 1000
    const [dependencies = '', app = ''] = await Promise.all(layers.map(({ digest }) => list(digest)))
    for (const path of ['node_modules/a/index.js', 'web/node_modules/b/index.js'])
      assert.match(dependencies, new RegExp(`^-rw-r--r-- ${owner}/${owner} .*\\./${path}$`, 'm'))
    assert.match(app, new RegExp(`^-rwxr-xr-x ${owner}/${owner} 2023-11-14 .*\\./run.sh$`, 'm'))
    assert.doesNotMatch(app, /node_modules/)
    assert.doesNotMatch(app, /berth-dependencies/)
  })

  it('makes the same bytes again for the app that it came from', async () => {
    const outcome = await adopted('a-origin')
    assert.ok(outcome.slug, `${outcome.error}\n${outcome.log}`)
    assert.deepEqual(
      outcome.slug.layers.map(({ digest }) => digest),
      slug.layers.map(({ digest }) => digest),
    )
  })

  it('may be of an earlier Berth, which packed squashfs: it becomes the same as one of this', async () => {
    assert.notDeepEqual(older.layers, slug.layers)
    const outcome = await adopted('a-origin', older)
    assert.ok(outcome.slug, `${outcome.error}\n${outcome.log}`)
    assert.deepEqual(outcome.slug.layers, slug.layers)
  })

  const garbage: [what: string, content: Buffer, says: RegExp][] = [
    ['looks like squashfs', Buffer.from('hsqs, but no image'.repeat(100)), /unsquashfs/],
    ['looks like EROFS', Buffer.concat([Buffer.alloc(1024), Buffer.from('e2e1f5e0'.repeat(99), 'hex')]), /erofs/i],
    ['looks like nothing', Buffer.from('no image'), /neither EROFS nor squashfs/],
  ]
  for (const [what, content, says] of garbage)
    it(`S31: fails with what the unpacker says when its image ${what}, and the kernel never sees it`, async () => {
      const store = await openLayers(join(folder, 'store'))
      const digest = createHash('sha256').update(content).digest('hex') as LayerDigest
      await store.write(digest, Readable.from([content]))
      const layers: Layer[] = [{ digest, bytes: content.length, kind: 'app' }]
      const { slug: none, error, log } = await adopted('a-heir', { ...slug, layers })
      assert.equal(none, null)
      assert.match(error, /A step of the build failed/)
      assert.match(log, says)
    })
})
