import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RuntimeName } from '#core/domain/slug.ts'
import { silentLog } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { startTestHost, type TestHost } from '#test/helpers/sandboxes.ts'
import { mirrorsOf } from '../../../agent/host.ts'
import { openRuntimes, type Runtimes } from '../../../agent/runtimes/index.ts'
import { mountPoints } from '../../../agent/sandbox/mounts.ts'

describe('Runtimes from Debian, laid over the stack', function () {
  this.timeout(240_000)
  let world: TestHost
  let cacheDir: string
  let runtimes: Runtimes
  let clock = Date.now()
  const opened: Runtimes[] = []
  before(async () => {
    world = await startTestHost()
    cacheDir = await mkdtemp(join(tmpdir(), 'berth-runtimes-'))
    runtimes = await open('one')
  })
  after(async () => {
    for (const one of opened) await one.stop()
    await world?.stop()
    await rm(cacheDir, { recursive: true, force: true })
  })

  async function open(name: string, { mirrors = mirrorsOf(world.config), cache = cacheDir } = {}): Promise<Runtimes> {
    const { config, folders, host } = world
    const folder = join(folders.runtimes, name)
    const one = await openRuntimes(
      { cacheDir: cache, npmRegistry: config.npmRegistry, log: silentLog },
      { cacheDir: cache, folder: join(folder, 'preparing'), slot: host.slot, mirrors, log: silentLog },
      { folder, now: () => clock },
    )
    opened.push(one)
    return one
  }

  async function mounted(names: RuntimeName[], from = runtimes, onProgress = (_line: string) => {}) {
    const refs = await Promise.all(names.map((name) => from.resolve({ name, range: '*' })))
    return from.mounts(refs, { root: world.host.rootPath, onProgress, signal: AbortSignal.timeout(200_000) })
  }
  const prepared = async () => (await readdir(join(cacheDir, 'runtimes'))).sort()

  it('prepares one runtime for two Berths once: the other waits, and says for whom', async () => {
    const said: string[] = []
    const waited: string[] = []
    const other = await open('two')
    const [{ root }] = await Promise.all([
      mounted(['python'], runtimes, (line) => said.push(line)),
      mounted(['python'], other, (line) => waited.push(line)),
    ])
    assert.notEqual(root, world.host.rootPath)
    const all = [...said, ...waited].join('\n')
    assert.equal([...all.matchAll(/python 3\.13 from Debian trixie is being prepared on this host, once/g)].length, 1)
    assert.match(all, new RegExp(`waiting for the Berth with pid ${process.pid}, which builds python 3.13`))
    assert.match(all, /Need to get [\d.]+ [kM]B of archives/)
    assert.deepEqual(
      (await prepared()).map((name) => name.replace(/-debian-.*/, '')),
      ['python@3.13'],
    )
  })

  it('puts programs where Debian puts them, beside those of the stack', async () => {
    const { root, binds, path } = await mounted(['python'])
    assert.deepEqual([binds, path], [[], []])
    const { code, output } = await world.run('pip3 --version', { root })
    assert.match(output, /pip .* from \/usr\/lib\/python3\/dist-packages/)
    assert.equal(code, 0)
    const without = await world.run('pip3 --version')
    assert.equal(without.code, 127)
  })

  it('raises no rights, has nobody’s users but the stack’s, and cannot be written to (S29)', async () => {
    const { root } = await mounted(['python'])
    const find = async (...tests: string[]) => (await run(['find', root, '-xdev', ...tests])).stdout
    assert.equal(await find('-type', 'f', '-perm', '/6000'), '')
    assert.equal(await find('(', '-type', 'b', '-o', '-type', 'c', ')'), '')
    assert.equal(await find('-not', '-user', '0'), '')
    assert.equal(await find('-name', '*shadow*', '-path', `${root}/etc/*`), '')
    for (const name of ['passwd', 'group', 'hosts', 'resolv.conf', 'machine-id'])
      assert.equal(
        await readFile(join(root, 'etc', name), 'utf8'),
        await readFile(join(world.host.rootPath, 'etc', name), 'utf8'),
        name,
      )
    await assert.rejects(writeFile(join(root, 'etc/passwd'), ''), { code: 'EROFS' })
    const { output } = await world.run('touch /usr/bin/pip3 /etc/x; cat /proc/self/status | grep CapEff', { root })
    assert.match(output, /Read-only file system\n.*Read-only file system\nCapEff:\s+0+$/)
  })

  it('stores of a runtime only what the stack has not', async () => {
    const [file = ''] = await prepared()
    const { stdout } = await run(['unsquashfs', '-l', '-d', '', join(cacheDir, 'runtimes', file)])
    assert.match(stdout, /^\/usr\/bin\/pip3$/m)
    assert.doesNotMatch(stdout, /^\/(usr\/bin\/python3|etc\/passwd|etc\/apt|var\/lib\/(apt|dpkg)|dev)/m)
  })

  it('mounts a set of runtimes once, whoever asks and in whatever order', async () => {
    const [first, second] = await Promise.all([mounted(['python']), mounted(['python'])])
    assert.equal(first.root, second.root)
    assert.equal((await mountPoints()).filter((path) => path === first.root).length, 1)
    // An agent that starts again finds it.
    const again = await open('one')
    assert.equal((await mounted(['python'], again)).root, first.root)
    assert.equal((await mountPoints()).filter((path) => path === first.root).length, 1)
  })

  it('unmounts a root ten minutes after its last use, and not while something runs on it', async () => {
    const { root } = await mounted(['python'])
    const refs = [await runtimes.resolve({ name: 'python', range: '3' })]
    const isMounted = async () => (await mountPoints()).includes(root)
    await runtimes.collect([])
    assert.equal(await isMounted(), true)
    clock += 11 * 60_000
    await runtimes.collect([{ root: world.host.rootPath, refs }])
    assert.equal(await isMounted(), true)
    await runtimes.collect([])
    assert.equal(await isMounted(), false)
    const left = (await mountPoints()).filter((path) => path.startsWith(`${join(world.folders.runtimes, 'one')}/`))
    assert.deepEqual(left, [])
    assert.equal((await mounted(['python'])).root, root)
  })

  it('names the mirrors when they are away, and leaves nothing half made', async () => {
    const cache = join(cacheDir, 'away')
    const away = { main: 'http://127.0.0.1:9/debian', security: 'http://127.0.0.1:9/debian-security' }
    const offline = await open('offline', { mirrors: away, cache })
    await assert.rejects(mounted(['python'], offline), (error: Error) => {
      assert.match(error.message, /from http:\/\/127\.0\.0\.1:9\/debian and .*: .*Set BERTH_DEBIAN_MIRROR/s)
      return true
    })
    assert.deepEqual(await readdir(join(cache, 'runtimes')), [])
    assert.deepEqual(await readdir(join(world.folders.runtimes, 'offline/preparing')), [])
    assert.equal(
      (await mountPoints()).some((path) => path.includes('/offline/')),
      false,
    )
  })

  it('clears away what a killed agent left half prepared', async () => {
    const preparing = join(world.folders.runtimes, 'killed/preparing')
    const left = join(preparing, 'ruby@3.3-x/merged')
    await mkdir(left, { recursive: true })
    await run(['mount', '-t', 'tmpfs', 'tmpfs', left])
    await open('killed')
    assert.equal((await mountPoints()).includes(left), false)
    await assert.rejects(readdir(preparing), { code: 'ENOENT' })
  })

  it('says which versions there are when none fits', async () => {
    await assert.rejects(runtimes.resolve({ name: 'ruby', range: '2.7' }), {
      code: 'RUNTIME_NOT_FOUND',
      message: 'No ruby of the stack satisfies "2.7": there is 3.3. Change the version your app asks for.',
    })
  })
})
