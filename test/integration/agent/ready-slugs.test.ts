import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createReadStream, createWriteStream } from 'node:fs'
import type { LayerDigest } from '#core/domain/ids.ts'
import type { Release } from '#core/domain/release.ts'
import type { Slug } from '#core/domain/slug.ts'
import { run } from '#core/runtime/process.ts'
import { runBuild, type BuildOutcome } from '#test/helpers/builds.ts'
import { startTestHost, uidBaseOf, type TestHost } from '#test/helpers/sandboxes.ts'
import { digestOf, pack } from '../../../agent/slug.ts'
import { slugFile } from '../../../controller/slugs/file.ts'
import { openLayers } from '../../../controller/layers.ts'

describe('A ready slug', function () {
  this.timeout(120_000)
  let world: TestHost
  let folder: string
  let slug: Slug
  const signal = AbortSignal.timeout(600_000)
  const TIME = 1_700_000_000

  before(async function () {
    this.timeout(180_000)
    world = await startTestHost()
    folder = await mkdtemp(join(tmpdir(), 'berth-ready-'))
    slug = await aSlug()
  })
  after(async () => {
    await world?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** As a build leaves it: dependencies in two folders, one of them beside files of the app. */
  async function aSlug(): Promise<Slug> {
    const app = join(folder, 'app')
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
    const dependencies = { folder: app, output: join(folder, 'dependencies.squashfs'), owner, only: paths, without: [] }
    await pack(dependencies, signal)
    const rest = { folder: app, output: join(folder, 'app.squashfs'), owner, only: null, without: paths, time: TIME }
    await pack(rest, signal)
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

  const list = async (digest: string) =>
    (await run(['unsquashfs', '-lln', join(world.folders.layers, `${digest}.squashfs`)])).stdout

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
      assert.match(dependencies, new RegExp(`^-rw-r--r-- ${owner}/${owner} .*squashfs-root/${path}$`, 'm'))
    assert.match(app, new RegExp(`^-rwxr-xr-x ${owner}/${owner} .* 2023-11-14 .*squashfs-root/run.sh$`, 'm'))
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

  it('S31: fails with what the unpacker says when its image is none, and the kernel never sees it', async () => {
    const store = await openLayers(join(folder, 'store'))
    const output = join(folder, 'garbage')
    await writeFile(output, 'hsqs, but no image'.repeat(100))
    const digest = (await digestOf(output)) as LayerDigest
    await store.write(
      digest,
      Readable.from([await import('node:fs/promises').then(({ readFile }) => readFile(output))]),
    )
    const { slug: none, error, log } = await adopted('a-heir', { ...slug, layers: [{ digest, bytes: 1, kind: 'app' }] })
    assert.equal(none, null)
    assert.match(error, /A step of the build failed/)
    assert.match(log, /unsquashfs/)
  })
})
