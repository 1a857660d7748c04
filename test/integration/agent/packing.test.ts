import assert from 'node:assert/strict'
import { chmod, link, lutimes, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { digestOf, pack } from '../../../agent/slug.ts'
import { checkTree } from '../../../agent/tree.ts'

const signal = AbortSignal.timeout(200_000)

describe('Packing an app’s files', function () {
  this.timeout(120_000)
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-packing-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

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

  async function packed(root: string, changes: Partial<Parameters<typeof pack>[0]> = {}): Promise<string> {
    const output = `${root}.squashfs`
    await pack({ folder: root, output, owner: 5000, only: null, without: [], ...changes }, signal)
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
    const names = async () =>
      (await run(['unsquashfs', '-l', `${root}.squashfs`])).stdout.split('\n').map((line) => line.slice(14))
    await packed(root, { without: ['node_modules', 'web/node_modules'] })
    assert.deepEqual(
      (await names()).filter((name) => name.includes('node_modules') || name.startsWith('web')),
      ['old_node_modules', 'web', 'web/src'],
    )
    await packed(root, { only: ['node_modules', 'web/node_modules'] })
    assert.deepEqual(
      (await names()).filter((name) => name !== ''),
      ['node_modules', 'node_modules/x', 'web', 'web/node_modules', 'web/node_modules/y'],
    )
  })

  it('S29: takes a hundred thousand files, and names of 255 bytes, with newlines and of no encoding', async () => {
    const root = join(folder, 'many')
    for (let n = 0; n < 100; n++) await mkdir(join(root, `${n}`), { recursive: true })
    const names = Array.from({ length: 100_000 }, (_, n) => `${n % 100}/${n}`)
    await run(['xargs', 'touch'], { cwd: root, input: names.join('\n') })
    const odd = ['n'.repeat(255), 'line\nbreak', '-rf', '*', '[a-z]', ' ', '\\'].map((name) => Buffer.from(name))
    for (const name of [...odd, Buffer.from([0xff, 0xfe])])
      await writeFile(Buffer.concat([Buffer.from(`${root}/`), name]), name)
    await checkTree(root, 1024 * 1024, signal)
    await packed(root)
    const { stdout } = await run(['unsquashfs', '-l', `${root}.squashfs`])
    assert.equal(stdout.split('\n').filter((line) => /^squashfs-root\/\d+\/\d+$/.test(line)).length, 100_000)
    for (const name of odd.map(String).filter((text) => text !== '*'))
      assert.ok(stdout.includes(`squashfs-root/${name}\n`), JSON.stringify(name))
  })
})
