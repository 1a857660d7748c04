import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Layer } from '#core/domain/slug.ts'
import { silentLog, type Fields, type Log } from '#core/runtime/log.ts'
import type { ControllerClient } from '../../../agent/controller-client.ts'
import { mountPoints, unmountBelow } from '../../../agent/sandbox/mounts.ts'
import { openLayers, pack, type Layers } from '../../../agent/slug.ts'

describe('A slug’s layer on a host', () => {
  let folder: string
  let layers: Layers
  let layer: Layer
  let said: { message: string; fields: Fields }[]
  let downloads: number
  const signal = AbortSignal.timeout(30_000)
  const image = () => join(folder, 'layers', `${layer.digest}.squashfs`)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-layers-'))
    said = []
    downloads = 0
    const log: Log = {
      ...silentLog,
      error: (message: string, fields: Fields = {}) => void said.push({ message, fields }),
    }
    const controller = {
      uploadLayer: (_digest, file) => copyFile(file, join(folder, 'controller')),
      downloadLayer: async (_digest, file) => {
        downloads++
        await copyFile(join(folder, 'controller'), file)
      },
    } as Partial<ControllerClient> as ControllerClient
    layers = openLayers(join(folder, 'layers'), controller, log)
    await mkdir(join(folder, 'app'))
    await writeFile(join(folder, 'app', 'hello'), 'hello')
    const output = join(folder, 'app.squashfs')
    await pack({ folder: join(folder, 'app'), output, owner: 1000, only: null, without: [] }, signal)
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

  it('S31: is refused, dropped and reported when one bit of it has changed, and fetched anew the next time', async () => {
    await flipOneByte(image())
    await refused()
    const [mounted = ''] = await layers.mount([layer], signal)
    assert.equal(await readFile(join(mounted, 'hello'), 'utf8'), 'hello')
    assert.equal(downloads, 1)
  })

  it('S31: is refused when another image lies in its place', async () => {
    await writeFile(join(folder, 'app', 'hello'), 'made by a tenant')
    const other = join(folder, 'other.squashfs')
    await pack({ folder: join(folder, 'app'), output: other, owner: 1000, only: null, without: [] }, signal)
    await copyFile(other, image())
    await refused()
  })

  it('S31: is refused when what the controller sent is not what was asked for', async () => {
    await rm(image())
    await writeFile(join(folder, 'controller'), 'no image at all')
    await refused()
  })
})
