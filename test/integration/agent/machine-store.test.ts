import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { collectMachineStore, markRuntimes } from '../../../agent/machine-store/index.ts'
import { ORPHANED_MS, UNUSED_MS } from '../../../agent/machine-store/outdated.ts'
import { ensureDebianRuntime, nameOf } from '../../../agent/runtimes/debian.ts'
import { installRuntime } from '../../../agent/runtimes/npm.ts'
import { mountReadOnly, unmount } from '../../../agent/sandbox/mounts.ts'

describe('The store of runtimes and stack images that all Berths of a machine share', function () {
  this.timeout(30_000)
  let cache: string
  let mounted: string
  before(async () => {
    cache = await mkdtemp(join(tmpdir(), 'berth-store-'))
    mounted = join(cache, 'mounted')
    for (const folder of ['runtimes', 'stacks', 'mounted', 'root']) await mkdir(join(cache, folder))
  })
  after(async () => {
    await unmount(mounted)
    await rm(cache, { recursive: true, force: true })
  })

  const at = (...path: string[]) => join(cache, ...path)
  const lastUsed = async (path: string, agoMs: number) => {
    const then = new Date(Date.now() - agoMs)
    await utimes(path, then, then)
  }

  it('loses the runtimes of a stack that was replaced, but not what is used, by this Berth or by another', async () => {
    const own = 'debian-13-own'
    const request = { name: 'ruby', version: '3.3', root: `/x/${own}` } as const
    const images = [
      'ruby@3.3-debian-13-old-1.squashfs',
      'ruby@3.3-debian-13-theirs-1.squashfs',
      `${nameOf(request)}.squashfs`,
    ]
    for (const name of images) await run(['mksquashfs', at('root'), at('runtimes', name), '-quiet', '-no-progress'])
    for (const name of ['node@20.1.0', 'node@22.1.0', 'node@24.1.0']) {
      await mkdir(at('runtimes', name, 'bin'), { recursive: true })
      await writeFile(at('runtimes', name, 'bin/node'), '')
    }
    for (const name of await readdir(at('runtimes'))) await lastUsed(at('runtimes', name), UNUSED_MS + ORPHANED_MS)
    await mountReadOnly(at('runtimes', images[1] ?? ''), mounted)

    const npm = { cacheDir: cache, npmRegistry: 'http://127.0.0.1:1', log: silentLog }
    const debian = { ...npm, folder: at('preparing'), slot: null, mirrors: { main: '', security: '' } }
    await ensureDebianRuntime(request, debian, () => {}, AbortSignal.timeout(5000))
    await installRuntime({ name: 'node', version: '22.1.0' }, npm)
    await markRuntimes(cache, [{ name: 'node', version: '24.1.0' }])

    assert.deepEqual((await collectMachineStore(cache, [own], Date.now())).sort(), ['node@20.1.0', images[0]])
    assert.deepEqual(
      (await readdir(at('runtimes'))).sort(),
      ['node@22.1.0', 'node@24.1.0', images[1], images[2]].sort(),
    )
    assert.ok((await stat(at('runtimes/node@22.1.0/bin/node'))).isFile())
  })

  it('is let be where there is none', async () => {
    assert.deepEqual(await collectMachineStore(at('nothing'), [], Date.now()), [])
  })
})
