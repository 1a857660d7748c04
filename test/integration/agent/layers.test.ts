import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Layer } from '#core/domain/slug.ts'
import { silentLog, type Fields, type Log } from '#core/runtime/log.ts'
import type { ControllerClient } from '../../../agent/controller-client.ts'
import { mountPoints, unmountBelow } from '../../../agent/sandbox/mounts.ts'
import { pack } from '../../../agent/pack.ts'
import { openLayers, type Layers } from '../../../agent/slug.ts'

describe('A slug’s layer on a host', () => {
  let folder: string
  let layers: Layers
  let layer: Layer
  let said: { message: string; fields: Fields }[]
  let downloads: number
  let controllerHas: boolean
  const signal = AbortSignal.timeout(30_000)
  const image = () => join(folder, 'layers', `${layer.digest}.squashfs`)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-layers-'))
    said = []
    downloads = 0
    controllerHas = true
    const log: Log = {
      ...silentLog,
      error: (message: string, fields: Fields = {}) => void said.push({ message, fields }),
    }
    const controller = {
      hasLayer: () => Promise.resolve(controllerHas),
      uploadLayer: (_digest, file) => copyFile(file, join(folder, 'controller')),
      downloadLayer: async (_digest, file) => {
        downloads++
        await copyFile(join(folder, 'controller'), file)
      },
    } as Partial<ControllerClient> as ControllerClient
    layers = openLayers(join(folder, 'layers'), controller, log)
    await mkdir(join(folder, 'app'))
    await writeFile(join(folder, 'app', 'hello'), 'hello')
    const output = join(folder, 'app.image')
    await pack(
      { folder: join(folder, 'app'), output, owner: 1000, without: [], size: { entries: 1, nameBytes: 5 } },
      { signal, log: silentLog },
    )
    layer = { ...(await layers.add(output, signal)), kind: 'app' }
  })
  afterEach(async () => {
    await unmountBelow(folder)
    await rm(folder, { recursive: true, force: true })
  })

  async function flipOneByte(file: string): Promise<void> {
    const handle = await open(file, 'r+')
    try {
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, 200)
      await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, 200)
    } finally {
      await handle.close()
    }
  }

  async function refused(): Promise<void> {
    await assert.rejects(layers.mount([layer], signal), { code: 'SLUG_CORRUPT' })
    assert.deepEqual(
      (await mountPoints()).filter((path) => path.startsWith(folder)),
      [],
    )
    assert.equal(existsSync(image()), false)
    assert.deepEqual(
      said.map(({ fields }) => fields['digest']),
      [layer.digest],
    )
  }

  it('is mounted when its bytes are those that were built', async () => {
    const [mounted = ''] = await layers.mount([layer], signal)
    assert.equal(await readFile(join(mounted, 'hello'), 'utf8'), 'hello')
    assert.equal(downloads, 0)
  })

  it('stays where an instance begins to use it while unused ones are cleared away', async () => {
    const other = join(folder, 'other')
    await mkdir(other)
    await writeFile(join(other, 'hello'), 'of another')
    const size = { entries: 1, nameBytes: 5 }
    await pack({ folder: other, output: `${other}.image`, owner: 1000, without: [], size }, { signal, log: silentLog })
    const both = [layer, { ...(await layers.add(`${other}.image`, signal)), kind: 'app' as const }]
    await layers.mount(both, signal)
    const store = join(folder, 'layers')
    const anHourAgo = new Date(Date.now() - 3600_000)
    for (const { digest } of both) await utimes(join(store, `${digest}.squashfs`), anHourAgo, anHourAgo)
    // As a later life of the agent finds them.
    layers = openLayers(store, {} as ControllerClient, silentLog, 1024 ** 3)
    const collecting = layers.collect(new Set())
    const left = () => both.filter(({ digest }) => readFileSync('/proc/self/mountinfo', 'utf8').includes(digest))
    while (left().length === 2) await new Promise((resolve) => setImmediate(resolve))
    const [wanted] = left()
    assert.ok(wanted)
    const [mounted = ''] = await layers.mount([wanted], signal)
    await collecting
    assert.match(await readFile(join(mounted, 'hello'), 'utf8'), /hello|of another/)
  })

  it('S31: is refused, dropped and reported when one bit of it has changed, and fetched anew the next time', async () => {
    await flipOneByte(image())
    await refused()
    const [mounted = ''] = await layers.mount([layer], signal)
    assert.equal(await readFile(join(mounted, 'hello'), 'utf8'), 'hello')
    assert.equal(downloads, 1)
  })

  it('S31: is refused when another image lies in its place', async () => {
    await writeFile(join(folder, 'app', 'hello'), 'made by a tenant')
    const other = join(folder, 'other.image')
    await pack(
      { folder: join(folder, 'app'), output: other, owner: 1000, without: [], size: { entries: 1, nameBytes: 5 } },
      { signal, log: silentLog },
    )
    await copyFile(other, image())
    await refused()
  })

  it('S31: is refused when what the controller sent is not what was asked for', async () => {
    await rm(image())
    await writeFile(join(folder, 'controller'), 'no image at all')
    await refused()
  })

  it('S31: is verified again when the agent begins anew and nothing is mounted, as after a reboot', async () => {
    await layers.mount([layer], signal)
    await unmountBelow(folder)
    await flipOneByte(image())
    await refused()
  })

  it('S31: is fetched whole when the beginning that was left over has been spoilt', async () => {
    await rm(image())
    await writeFile(`${image()}.part`, 'spoilt')
    const [mounted = ''] = await layers.mount([layer], signal)
    assert.equal(await readFile(join(mounted, 'hello'), 'utf8'), 'hello')
    assert.deepEqual(await readdir(join(folder, 'layers')), [`${layer.digest}.squashfs`, 'mounted'])
  })

  it('is mounted once for all that use it, at whatever moment they ask', async () => {
    const asked = await Promise.all(Array.from({ length: 5 }, () => layers.mount([layer], signal)))
    asked.push(await layers.mount([layer], signal))
    assert.equal(new Set(asked.flat()).size, 1)
    assert.equal((await mountPoints()).filter((path) => path.startsWith(folder)).length, 1)
  })

  const lastUsed = (minutesAgo: number) => {
    const at = new Date(Date.now() - minutesAgo * 60_000)
    return utimes(image(), at, at)
  }

  it('is unmounted and deleted some time after its last use, unless something needs it', async () => {
    await layers.mount([layer], signal)
    await layers.collect(new Set())
    assert.ok(existsSync(image()), 'just used')
    await lastUsed(60)
    await layers.collect(new Set([layer.digest]))
    assert.equal((await mountPoints()).filter((path) => path.startsWith(folder)).length, 1)
    await layers.collect(new Set())
    assert.equal((await mountPoints()).filter((path) => path.startsWith(folder)).length, 0)
    assert.deepEqual(await layers.stored(), {})
  })

  it('stays on the disk, within the budget, for the next that uses it', async () => {
    const roomy = openLayers(join(folder, 'layers'), {} as ControllerClient, silentLog, layer.bytes)
    await roomy.mount([layer], signal)
    await lastUsed(60)
    await roomy.collect(new Set())
    assert.equal((await mountPoints()).filter((path) => path.startsWith(folder)).length, 0)
    assert.deepEqual(await roomy.stored(), { [layer.digest]: layer.bytes })
    await roomy.mount([layer], signal)
  })

  it('is sent to the controller again when a build names it that the controller had given up', async () => {
    await rm(join(folder, 'controller'))
    assert.equal(await layers.renew(layer.digest, signal), true)
    assert.equal(existsSync(join(folder, 'controller')), false)
    controllerHas = false
    assert.equal(await layers.renew(layer.digest, signal), true)
    assert.equal(existsSync(join(folder, 'controller')), true)
    await rm(image())
    assert.equal(await layers.renew(layer.digest, signal), false)
  })
})
