import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '#core/runtime/config.ts'
import { silentLog } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { unmount } from '../../../agent/sandbox/mounts.ts'
import { ensureStack, mountStack, STACK_NAME } from '../../../agent/stack.ts'

describe('The stack image', () => {
  let folder: string
  let root: string
  before(async function () {
    this.timeout(180_000)
    folder = await mkdtemp(join(tmpdir(), 'berth-stack-'))
    root = join(folder, 'root')
    const config = readConfig(process.env)
    const mirrors = { main: config.debianMirror, security: config.debianSecurityMirror }
    const image = await ensureStack({ cacheDir: config.cache, mirrors, onProgress: () => {}, log: silentLog })
    assert.equal(image.name, STACK_NAME)
    await mountStack(image, root)
    // A second time is nothing new.
    await mountStack(image, root)
    assert.equal(await timesMounted(root), 1)
  })
  after(async () => {
    await unmount(root)
    await unmount(root)
    assert.equal(await timesMounted(root), 0)
    await rm(folder, { recursive: true, force: true })
  })

  const find = async (...tests: string[]) =>
    (await run(['find', root, '-xdev', ...tests])).stdout.split('\n').filter((line) => line !== '')

  it('has nothing that raises rights: no setuid, no setgid, no capabilities, no devices', async () => {
    assert.deepEqual(await find('-type', 'f', '-perm', '/6000'), [])
    assert.deepEqual(await find('(', '-type', 'b', '-o', '-type', 'c', ')'), [])
    assert.deepEqual(await find('-not', '-user', '0'), [])
  })

  it('has users of its own and no passwords', async () => {
    const users = (await readFile(join(root, 'etc/passwd'), 'utf8')).trim().split('\n')
    assert.deepEqual(
      users.map((line) => line.split(':').slice(0, 3).join(':')),
      ['root:x:0', 'app:x:1000', 'nobody:x:65534'],
    )
    assert.deepEqual(await find('-name', '*shadow*', '-path', `${root}/etc/*`), [])
    assert.equal(await readFile(join(root, 'etc/machine-id'), 'utf8'), '')
  })

  it('is read-only', async () => {
    await assert.rejects(writeFile(join(root, 'etc/passwd'), ''), { code: 'EROFS' })
  })

  it('names the mirror when it cannot be built, leaves nothing half made, and takes over a dead builder’s lock', async function () {
    this.timeout(60_000)
    const cacheDir = join(folder, 'cache')
    const stacks = join(cacheDir, 'stacks')
    await mkdir(stacks, { recursive: true })
    // Beyond the largest pid that Linux gives (4194304).
    await writeFile(join(stacks, `${STACK_NAME}.squashfs.lock`), '4999999')
    const mirrors = { main: 'http://127.0.0.1:9/debian', security: 'http://127.0.0.1:9/debian-security' }
    await assert.rejects(ensureStack({ cacheDir, mirrors, onProgress: () => {}, log: silentLog }), (error: Error) => {
      assert.match(error.message, /could not be built from http:\/\/127\.0\.0\.1:9\/debian and .*BERTH_DEBIAN_MIRROR/s)
      return true
    })
    assert.deepEqual(await readdir(stacks), [])
  })
})

async function timesMounted(path: string): Promise<number> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n')
  return mounts.filter((line) => line.split(' ')[1] === path).length
}
