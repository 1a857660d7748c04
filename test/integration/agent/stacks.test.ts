import assert from 'node:assert/strict'
import { copyFile, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostId, LayerDigest } from '#core/domain/ids.ts'
import type { KnownStack, StackReport } from '#core/domain/stack.ts'
import { readConfig } from '#core/runtime/config.ts'
import { silentLog } from '#core/runtime/log.ts'
import { mirrorsOf } from '../../../agent/host.ts'
import { unmountBelow } from '../../../agent/sandbox/mounts.ts'
import { openLayers } from '../../../agent/slug.ts'
import { createStackBuilds } from '../../../agent/stack-build.ts'
import { ensureStack, mountStack, RECIPE_HASH } from '../../../agent/stack.ts'
import { openStacks, type Stacks } from '../../../agent/stacks.ts'
import { memoryFolder } from '#test/helpers/memory-folder.ts'

const signal = AbortSignal.timeout(120_000)
const NAME = 'debian-13-20261121-1'

async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(folder))
}

describe('Stacks on a host', () => {
  let folder: string
  let stored: string
  let stacks: Stacks
  let layers: ReturnType<typeof openLayers>
  const known = new Map<string, KnownStack>()
  const said: string[] = []

  /** Stands for the controller: layers lie in a folder. */
  const controller = {
    downloadLayer: (digest: LayerDigest, file: string) => copyFile(join(stored, digest), file),
    uploadLayer: (digest: LayerDigest, file: string) => copyFile(file, join(stored, digest)),
  } as unknown as Parameters<typeof openLayers>[1]
  const order = (over: Partial<KnownStack> = {}) =>
    known.set(NAME, {
      name: NAME,
      base: null,
      fresh: false,
      host: 'host-a' as HostId,
      actor: 'ann',
      createdAt: 0,
      report: null,
      ...over,
    })
  const reportOf = (name: string) => known.get(name)?.report

  before(async function () {
    this.timeout(180_000)
    // Each build copies a whole system.
    folder = await memoryFolder('berth-stacks-')
    stored = join(folder, 'controller')
    await mkdir(stored)
    const config = readConfig(process.env)
    const image = await ensureStack({
      cacheDir: config.cache,
      mirrors: mirrorsOf(config),
      onProgress: () => {},
      log: silentLog,
    })
    const own = { ...image, root: join(folder, 'own') }
    await mountStack(image, own.root)
    layers = openLayers(join(folder, 'layers'), controller, silentLog)
    stacks = await openStacks({
      own,
      layers,
      find: (name) => Promise.resolve(known.get(name) ?? null),
    })
  })
  after(async () => {
    await unmountBelow(folder)
    await rm(folder, { recursive: true, force: true })
  })

  const builds = () =>
    createStackBuilds({
      log: silentLog,
      folder: join(folder, 'builds'),
      mirrors: mirrorsOf(readConfig(process.env)),
      stacks,
      layers,
      find: (name) => Promise.resolve(known.get(name) ?? null),
      print: (_, line) => Promise.resolve(void said.push(line)),
      report: (name, report: StackReport) => {
        const stack = known.get(name)
        if (stack) known.set(name, { ...stack, report })
        return Promise.resolve(stack !== undefined)
      },
      now: Date.now,
    })
  const build = async () => {
    const running = builds()
    const stack = known.get(NAME)
    assert.ok(stack)
    running.ensure(stack)
    running.ensure(stack)
    while (!reportOf(NAME) || reportOf(NAME)?.state === 'building') await new Promise((done) => setTimeout(done, 50))
    await running.stop()
  }

  it('are made from the one in use with newer packages, stored by digest, and mounted elsewhere from the same bytes', async function () {
    this.timeout(120_000)
    order()
    await build()
    const report = reportOf(NAME)
    assert.equal(report?.state, 'built', JSON.stringify(report))
    assert.ok(report?.state === 'built' && /^13\.\d+$/.test(report.debian) && report.recipe === RECIPE_HASH)
    assert.deepEqual(await readdir(stored), [report.digest])
    assert.match(said.join('\n'), /bringing its packages up to date[^]*InRelease[^]*packing it[^]*done: Debian 13\./)
    const root = await stacks.rootOf(NAME, signal)
    assert.notEqual(root, stacks.own.root)
    assert.equal(await readFile(join(root, 'etc/berth-stack'), 'utf8'), `${NAME}\n`)
    for (const gone of ['dev/null', 'dev/fd', 'etc/shadow', 'var/lib/apt/lists/partial'])
      await assert.rejects(stat(join(root, gone)), { code: 'ENOENT' }, gone)
    assert.equal(await readFile(join(root, 'etc/resolv.conf'), 'utf8'), '')
    assert.match(await readFile(join(root, 'etc/apt/sources.list'), 'utf8'), /trixie-security/)
    assert.equal(await stacks.rootOf(NAME, signal), root)
    await stacks.look([...known.values()])
    assert.deepEqual(
      stacks.present().map(({ name }) => name),
      [stacks.own.name, NAME],
    )
    assert.deepEqual(await readdir(folder).then((names) => names.includes('builds')), false)
  })

  it('S31 are refused by their digest before they are mounted, and fetched again', async function () {
    this.timeout(60_000)
    const report = reportOf(NAME)
    assert.ok(report?.state === 'built', 'the test before builds it')
    await unmountBelow(join(folder, 'layers'))
    await rm(join(folder, 'layers'), { recursive: true, force: true })
    const file = join(stored, report.digest)
    const flip = async () => {
      const handle = await open(file, 'r+')
      const byte = Buffer.alloc(1)
      await handle.read(byte, 0, 1, 4096)
      byte[0] = (byte[0] ?? 0) ^ 1
      await handle.write(byte, 0, 1, 4096)
      await handle.close()
    }
    await flip()
    await assert.rejects(stacks.rootOf(NAME, signal), { code: 'STACK_CORRUPT' })
    await flip()
    assert.equal(await readFile(join(await stacks.rootOf(NAME, signal), 'etc/berth-stack'), 'utf8'), `${NAME}\n`)
  })

  it('whose making is cut short leave no file and no process, and are not called failed', async function () {
    this.timeout(60_000)
    order()
    const running = builds()
    const stack = known.get(NAME)
    assert.ok(stack)
    running.ensure(stack)
    while (!said.at(-1)?.includes('InRelease')) await new Promise((done) => setTimeout(done, 20))
    await running.stop()
    assert.equal(reportOf(NAME)?.state, 'building')
    // Killed, they may take a moment to be gone.
    while ((await processesIn(folder)).length > 0) await new Promise((done) => setTimeout(done, 20))
    await assert.rejects(stat(join(folder, 'builds')), { code: 'ENOENT' })
  })

  it('of no name are the host’s own, and those that were never built are refused', async () => {
    assert.equal(await stacks.rootOf(null, signal), stacks.own.root)
    await assert.rejects(stacks.rootOf('debian-13-20000101-1', signal), { code: 'STACK_NOT_BUILT' })
    assert.deepEqual(await stacks.layersOf([null, 'debian-13-20000101-1']), [])
  })

  it('that cannot be made are reported with the mirrors, and leave nothing behind', async function () {
    this.timeout(60_000)
    order()
    const running = createStackBuilds({
      log: silentLog,
      folder: join(folder, 'failing'),
      mirrors: { main: 'http://127.0.0.1:9/debian', security: 'http://127.0.0.1:9/security' },
      stacks,
      layers,
      find: (name) => Promise.resolve(known.get(name) ?? null),
      print: () => Promise.resolve(),
      report: (name, report) => Promise.resolve(!!known.set(name, { ...known.get(name)!, report })),
      now: Date.now,
    })
    const stack = known.get(NAME)
    assert.ok(stack)
    running.ensure(stack)
    while (!reportOf(NAME) || reportOf(NAME)?.state === 'building') await new Promise((done) => setTimeout(done, 50))
    await running.stop()
    const report = reportOf(NAME)
    assert.match(report?.state === 'failed' ? report.error : '', /127\.0\.0\.1:9.*BERTH_DEBIAN_SECURITY_MIRROR/s)
    await assert.rejects(stat(join(folder, 'failing')), { code: 'ENOENT' })
  })
})
