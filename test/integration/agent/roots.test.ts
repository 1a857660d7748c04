import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { openRoots } from '../../../agent/runtimes/roots.ts'
import { mountPoints, unmountBelow } from '../../../agent/sandbox/mounts.ts'

const AN_HOUR = 3600_000

describe('The roots of sandboxes with Debian runtimes', () => {
  let folder: string
  let clock = 0
  const base = () => join(folder, 'base')
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-roots-'))
    await mkdir(base())
    await writeFile(join(base(), 'of-the-stack'), '')
  })
  afterEach(async () => {
    await unmountBelow(folder)
    await rm(folder, { recursive: true, force: true })
  })

  async function anImage(name: string): Promise<string> {
    const content = join(folder, `of-${name}`)
    await mkdir(content)
    await writeFile(join(content, name), name)
    const image = join(folder, `${name}.squashfs`)
    await run(['mksquashfs', content, image, '-quiet', '-no-progress'])
    return image
  }
  const isMounted = (path: string) => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${path} `)

  it('are unmounted with their images when nobody needs them any more', async () => {
    const image = await anImage('ruby')
    const roots = openRoots(folder, () => clock)
    const root = await roots.over(base(), [image])
    assert.equal(await readFile(join(root, 'ruby'), 'utf8'), 'ruby')
    await roots.collect(new Set())
    assert.ok(isMounted(root))
    clock += AN_HOUR
    await roots.collect(new Set([root]))
    assert.ok(isMounted(root))
    await roots.collect(new Set())
    assert.deepEqual(
      (await mountPoints()).filter((path) => path.startsWith(folder)),
      [],
    )
  })

  it('are whole for who asks for one while unused ones are cleared away', async () => {
    const images = [await anImage('ruby'), await anImage('php')]
    const roots = openRoots(folder, () => clock)
    const both = [await roots.over(base(), images.slice(0, 1)), await roots.over(base(), images.slice(1))]
    clock += AN_HOUR
    const collecting = roots.collect(new Set())
    while (both.every(isMounted)) await new Promise((resolve) => setImmediate(resolve))
    const left = both.findIndex(isMounted)
    assert.notEqual(left, -1)
    const root = await roots.over(base(), [images[left] ?? ''])
    await collecting
    assert.equal(await readFile(join(root, ['ruby', 'php'][left] ?? ''), 'utf8'), ['ruby', 'php'][left])
    assert.ok((await readFile(join(root, 'of-the-stack'), 'utf8')) === '')
  })
})
