import assert from 'node:assert/strict'
import { chmod, link, lutimes, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { imageKind } from '#core/domain/image.ts'
import { silentLog } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { listImage } from '#test/helpers/images.ts'
import { setApart } from '../../../agent/builds/dependencies.ts'
import { pack, type Packing } from '../../../agent/pack.ts'
import { unmountBelow } from '../../../agent/sandbox/mounts.ts'
import { digestOf } from '../../../agent/slug.ts'
import { checkTree } from '../../../agent/tree.ts'

const SMALL = { entries: 1, nameBytes: 1 }
const MANY = { entries: 60_000, nameBytes: 1 }
const signal = AbortSignal.timeout(200_000)

describe('Packing an app’s files', function () {
  this.timeout(120_000)
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-packing-'))
  })
  afterEach(async () => {
    await unmountBelow(folder)
    await rm(folder, { recursive: true, force: true })
  })

  /** The same files, written in the order of the list, with times that end in `second`. */
  async function tree(name: string, names: string[], second: number): Promise<string> {
    const root = join(folder, name)
    await mkdir(join(root, 'lib/deep'), { recursive: true })
    for (const file of names) await writeFile(join(root, 'lib', file), `the content of ${file}`.repeat(50))
    await link(join(root, 'lib/c'), join(root, 'lib/deep/linked'))
    await symlink('../lib/b', join(root, 'lib/deep/link'))
    await chmod(join(root, 'lib/a'), 0o755)
    for (const path of ['lib/a', 'lib/b', 'lib/deep/link', 'lib/deep', 'lib', '.'])
      await lutimes(join(root, path), 1_000_000 + second, 2_000_000 + second)
    return root
  }

  const kindOf = async (root: string) => imageKind(await readFile(`${root}.image`))

  async function packed(root: string, changes: Partial<Packing> = {}): Promise<string> {
    const output = `${root}.image`
    await pack({ folder: root, output, owner: 5000, without: [], size: SMALL, ...changes }, { signal, log: silentLog })
    return digestOf(output)
  }

  it('makes the same bytes of the same files, in whatever order, at whatever time and with whatever inodes they were written', async () => {
    const one = await packed(await tree('one', ['a', 'b', 'c', 'd'], 1))
    await writeFile(join(folder, 'takes an inode'), '')
    const two = await packed(await tree('two', ['d', 'c', 'b', 'a'], 2))
    assert.equal(one, two)
    const again = await packed(join(folder, 'one'))
    assert.equal(again, one)
  })

  it('makes other bytes of another content, mode, owner or time', async () => {
    const root = await tree('one', ['a', 'b', 'c'], 1)
    const digests = new Set([
      await packed(root),
      await packed(root, { owner: 6000 }),
      await packed(root, { time: 1_700_000_000 }),
    ])
    await chmod(join(root, 'lib/b'), 0o755)
    digests.add(await packed(root))
    await writeFile(join(root, 'lib/b'), 'changed')
    digests.add(await packed(root))
    assert.equal(digests.size, 5)
  })

  it('leaves out, and packs alone, exactly the folders that it is told to', async () => {
    const root = await tree('one', ['a', 'b', 'c'], 1)
    for (const path of ['node_modules/x', 'web/node_modules/y', 'web/src', 'old_node_modules'])
      await mkdir(join(root, path), { recursive: true })
    const names = async (image: string) =>
      (await listImage(image))
        .split('\n')
        .flatMap((line) => line.split(' ./')[1] ?? [])
        .sort()
    const dependencies = ['node_modules', 'web/node_modules']
    for (const size of [SMALL, MANY]) {
      await packed(root, { without: dependencies, size })
      assert.deepEqual(
        (await names(`${root}.image`)).filter((name) => name.includes('node_modules') || name.startsWith('web')),
        ['old_node_modules', 'web', 'web/src'],
      )
    }
    const apart = join(folder, 'apart')
    await setApart(root, apart, [...dependencies, 'node_modules/x'])
    await packed(apart)
    assert.deepEqual(await names(`${apart}.image`), [
      'node_modules',
      'node_modules/x',
      'web',
      'web/node_modules',
      'web/node_modules/y',
    ])
  })

  it('S29: takes names with newlines and of no encoding, and by the other format those of 255 bytes', async () => {
    const root = join(folder, 'odd')
    await mkdir(root)
    const odd = ['n'.repeat(254), 'line\nbreak', '-rf', '*', '[a-z]', ' ', '\\'].map((name) => Buffer.from(name))
    for (const name of [...odd, Buffer.from([0xff, 0xfe])])
      await writeFile(Buffer.concat([Buffer.from(`${root}/`), name]), name)
    await packed(root, { size: await checkTree(root, 1024 * 1024, signal) })
    assert.equal(await kindOf(root), 'erofs')
    for (const name of odd.map(String)) assert.ok((await listImage(`${root}.image`)).includes(` ./${name}\n`), name)
    await writeFile(join(root, 'n'.repeat(255)), 'one more byte')
    await packed(root, { size: await checkTree(root, 1024 * 1024, signal) })
    assert.equal(await kindOf(root), 'squashfs')
    for (const name of [...odd.map(String), 'n'.repeat(255)])
      assert.ok((await listImage(`${root}.image`)).includes(` ./${name}\n`), name)
  })

  it('falls back on squashfs where there is nothing that packs EROFS', async () => {
    const root = await tree('one', ['a', 'b', 'c'], 1)
    const programs = join(folder, 'programs')
    await mkdir(programs)
    for (const name of ['find', 'chmod', 'mksquashfs']) await symlink(`/usr/bin/${name}`, join(programs, name))
    const path = process.env['PATH']
    process.env['PATH'] = programs
    await packed(root).finally(() => (process.env['PATH'] = path))
    assert.equal(await kindOf(root), 'squashfs')
    assert.match(await listImage(`${root}.image`), / \.\/lib\/a$/m)
  })

  it('S29: takes a hundred thousand files', async () => {
    const root = join(folder, 'many')
    await mkdir(root)
    // In memory, where files are made and looked at for a tenth of what a disk's file system takes.
    await run(['mount', '-t', 'tmpfs', 'tmpfs', root])
    for (let n = 0; n < 100; n++) await mkdir(join(root, `${n}`), { recursive: true })
    const names = Array.from({ length: 100_000 }, (_, n) => `${n % 100}/${n}`)
    await run(['xargs', 'touch'], { cwd: root, input: names.join('\n'), timeoutMs: 100_000 })
    const size = await checkTree(root, 1024 * 1024, signal)
    assert.deepEqual(size, { entries: 100_100, nameBytes: 5 })
    await packed(root, { size })
    assert.equal(await kindOf(root), 'squashfs', 'its packer takes little memory')
    // The kernel takes eight seconds to look at each.
    const { stdout } = await run(['unsquashfs', '-l', '-d', '', `${root}.image`])
    assert.equal(stdout.split('\n').filter((line) => /^\/\d+\/\d+$/.test(line)).length, 100_000)
  })
})
