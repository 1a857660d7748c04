import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { startOwnRedis } from '../../../../controller/backup/redis-copy.ts'
import { restore, type RestoreContext } from '../../../../controller/backup/restore.ts'
import { writeBackup } from '../../../../controller/backup/write.ts'
import { openRepositories } from '../../../../controller/git/repositories.ts'
import { runGit } from '../../../../controller/git/run.ts'
import { loadSealer, openConfig } from '../../../../controller/secrets.ts'
import { createVerifier } from '#core/domain/audit.ts'
import { CONTENTS, partName } from '#core/domain/backup.ts'
import type { AppName, LayerDigest } from '#core/domain/ids.ts'
import { readConfig } from '#core/runtime/config.ts'
import { silentLog } from '#core/runtime/log.ts'
import { loadAuditHead, readAudit } from '#core/store/audit.ts'
import { findApp } from '#core/store/apps.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { holdLease } from '#core/store/leases.ts'
import { startApi, type TestApi } from '#test/helpers/api.ts'
import { startRedis } from '#test/helpers/redis.ts'

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex')

describe('backup and restore', function () {
  this.timeout(120_000)
  let api: TestApi
  let whole: Buffer
  let commit: string
  const layer = Buffer.alloc(9 * 1024 * 1024, 'a layer')
  const digest = sha256(layer) as LayerDigest
  const folders: string[] = []

  before(async () => {
    api = await startApi()
    const member = await api.member('alpha')
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    await api.call(member, 'POST', '/v1/apps', { name: 'empty' })
    await api.call(member, 'PATCH', '/v1/apps/shop/config', { SECRET: 'hunter2' })
    await api.context.layers.write(digest, Readable.from([layer]))
    commit = await commitTo(api, 'shop')
    await api.context.store.xadd('bull:test:events', '*', 'a', 'b')
    await holdLease(api.context.store, 'reconciler', 'me', 60_000)
    await mkdir(join(api.home, 'buildpacks', 'own', 'bin'), { recursive: true })
    await writeFile(join(api.home, 'buildpacks', 'own', 'bin', 'detect'), '#!/bin/sh\n', { mode: 0o755 })
    whole = await backup()
  })
  after(async () => {
    await api.stop()
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  })

  async function backup(): Promise<Buffer> {
    const response = await fetch(`${api.url}/v1/backup`, { headers: { authorization: `Bearer ${api.operator}` } })
    assert.equal(response.status, 200)
    return Buffer.from(await response.arrayBuffer())
  }

  async function aHome(): Promise<RestoreContext & { home: string; said: string[] }> {
    const home = await mkdtemp(join(tmpdir(), 'berth-restore-'))
    await chmod(home, 0o711)
    folders.push(home)
    const said: string[] = []
    const config = readConfig({ BERTH_HOME: home })
    return { home, said, config, log: silentLog, now: Date.now, say: (line) => void said.push(line) }
  }

  /** What the Redis of a restored home says, as `up` starts it. */
  async function withState<T>(home: string, look: (store: Store) => Promise<T>): Promise<T> {
    const own = await startOwnRedis(join(home, 'redis'), { db: 0, keeps: true })
    const store = connectStore(own.url)
    try {
      return await look(store)
    } finally {
      store.disconnect()
      await own.stop()
    }
  }

  it('brings state, keys, layers, git, buildpacks and the audit log to an empty home', async () => {
    const context = await aHome()
    const { home } = context
    const restored = await restore(inPieces(whole), false, context)
    assert.ok(restored.keys > 10)
    assert.equal(restored.replaced, null)
    for (const name of ['master-key', 'certificates-key', 'operator-token', 'agents-authority'])
      assert.deepEqual(await readFile(join(home, name)), await readFile(join(api.home, name)), name)
    assert.equal(sha256(await readFile(join(home, 'layers', `${digest}.squashfs`))), digest)
    assert.equal(await readFile(join(home, 'buildpacks/own/bin/detect'), 'utf8'), '#!/bin/sh\n')
    await withState(home, async (store) => {
      const app = await findApp(store, 'shop' as AppName)
      assert.ok(app)
      const sealer = await loadSealer(join(home, 'master-key'))
      assert.deepEqual(openConfig(sealer, app.id, app.config), { SECRET: 'hunter2' })
      assert.equal(await store.exists('bull:test:events'), 1)
      assert.equal(await store.exists('berth:lease:reconciler'), 0)
      const repositories = await openRepositories(home, { maxBytes: 1e9, isSandboxed: true }, silentLog)
      const repository = await repositories.open(app.id)
      assert.equal(await runGit(repository, ['rev-parse', 'refs/heads/main']), commit)
      assert.equal(await runGit(repository, ['show', 'refs/heads/main:file.txt']), 'what was pushed')
      await runGit(repository, ['fsck', '--full', '--strict'])
      const verifier = createVerifier(sha256)
      const lines = await readAudit(store, 1, 1000)
      lines.forEach((line) => verifier.take(line))
      assert.equal(verifier.end(await loadAuditHead(store)).whole, true)
      assert.equal((JSON.parse(lines.at(-1) ?? '') as { operation: string }).operation, 'restore')
    })
    assert.deepEqual(
      (await readdir(home)).filter((name) => name.startsWith('.')),
      [],
    )
  })

  it('changes nothing for a file that is damaged, cut off, of something else, or from the future', async () => {
    const damaged = Buffer.from(whole)
    damaged[whole.indexOf('a layer') + 5_000_000] = 0
    const tail = whole.indexOf(CONTENTS)
    const future = Buffer.from(whole.toString('latin1').replace('"version": 1,', '"version": 9,'), 'latin1')
    const wrong: [string, Buffer, RegExp][] = [
      ['damaged', damaged, new RegExp(`layers/${digest}.squashfs in it is damaged`)],
      ['without its end', whole.subarray(0, tail), /broke off before its end/],
      ['cut in the middle', whole.subarray(0, 100_000), /broke off before its end|damaged/],
      ['something else', Buffer.from('hello '.repeat(1000)), /not a tar archive/],
      ['nothing', Buffer.alloc(0), /not a backup of Berth/],
      ['from the future', future, /newer Berth/],
      ['climbing out', climbing(whole), /does not belong into it/],
    ]
    for (const [what, content, why] of wrong) {
      const context = await aHome()
      await assert.rejects(restore(inPieces(content), false, context), why, what)
      assert.deepEqual(
        (await readdir(context.home)).filter((name) => name !== '.restore'),
        [],
        what,
      )
    }
  })

  it('takes no home that is used without force, and with it puts aside what is there', async () => {
    const context = await aHome()
    await mkdir(join(context.home, 'git', 'a.git'), { recursive: true })
    await writeFile(join(context.home, 'master-key'), 'another key')
    await assert.rejects(restore(inPieces(whole), false, context), /There is a Berth here already: .*master-key/)
    const { replaced } = await restore(inPieces(whole), true, context)
    assert.equal(await readFile(join(replaced ?? '', 'master-key'), 'utf8'), 'another key')
    assert.deepEqual(await readdir(join(replaced ?? '', 'git')), ['a.git'])
    assert.deepEqual(await readFile(join(context.home, 'master-key')), await readFile(join(api.home, 'master-key')))
  })

  it('goes on with a restore that was broken off half-way, and mixes no two backups', async () => {
    const context = await aHome()
    const { home } = context
    let steps = 0
    const dying = {
      ...context,
      say(line: string) {
        context.say(line)
        if (/repositories are restored/.test(line) && steps++ === 0) throw new Error('killed here')
      },
    }
    await assert.rejects(restore(inPieces(whole), false, dying), /killed here/)
    await assert.rejects(restore(inPieces(await backup()), false, context), /another one, of .*, was begun here/)
    const head = whole.subarray(0, 4096)
    await restore(inPieces(head), false, context)
    assert.ok(context.said.includes('Going on with the restore that was begun.'))
    assert.deepEqual(await readFile(join(home, 'master-key')), await readFile(join(api.home, 'master-key')))
    await withState(home, async (store) => assert.ok(await findApp(store, 'shop' as AppName)))
  })

  it('restores to a Redis elsewhere that is empty', async () => {
    const other = await startRedis()
    const context = await aHome()
    const config = readConfig({ BERTH_HOME: context.home, BERTH_REDIS_URL: other.url })
    const store = connectStore(other.url)
    try {
      await restore(inPieces(whole), false, { ...context, config })
      assert.ok(await findApp(store, 'shop' as AppName))
      const next = await aHome()
      const again = { ...next, config: readConfig({ BERTH_HOME: next.home, BERTH_REDIS_URL: other.url }) }
      await assert.rejects(restore(inPieces(whole), false, again), /Redis at BERTH_REDIS_URL holds the state of one/)
    } finally {
      store.disconnect()
      await other.stop()
    }
  })

  it('is of one moment though the state changes while it is made, and is made by one at a time', async () => {
    const { store } = api.context
    await store.mset('berth:left', '0', 'berth:right', '0')
    let changing = true
    const changes = (async () => {
      for (let n = 1; changing; n++) await store.mset('berth:left', String(n), 'berth:right', String(n))
    })()
    const first = writeBackup(api.context, 'one', new AbortController().signal)
    const pieces = [(await first.next()).value as Uint8Array]
    await assert.rejects(writeBackup(api.context, 'two', new AbortController().signal).next(), /being made/)
    for await (const piece of first) pieces.push(piece)
    changing = false
    await changes
    const context = await aHome()
    await restore(inPieces(Buffer.concat(pieces)), false, context)
    const [left, right] = await withState(context.home, (restored) => restored.mget('berth:left', 'berth:right'))
    assert.equal(left, right)
    assert.deepEqual(
      (await readdir(api.home)).filter((name) => name.startsWith('.backup-')),
      [],
    )
  })

  it('is written into the audit log, and no read-only token gets one', async () => {
    const { body } = await api.call(api.operator, 'GET', '/v1/audit?operation=GET%20/backup')
    assert.equal((body as { entries: unknown[] }).entries.length > 0, true)
  })
})

// eslint-disable-next-line @typescript-eslint/require-await -- as a network delivers it
async function* inPieces(content: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 60_007) yield content.subarray(at, at + 60_007)
}

/** The name of a part that leads out of the folder, with a checksum that is right. */
function climbing(whole: Buffer): Buffer {
  const copy = Buffer.from(whole)
  const at = copy.indexOf(partName('home/agents-authority', 1))
  const header = copy.subarray(at, at + 512)
  header.fill(0, 0, 100)
  header.write('home/../../etc/passwd/000001')
  header.fill(' ', 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return copy
}

async function commitTo({ context }: TestApi, name: string): Promise<string> {
  const app = await findApp(context.store, name as AppName)
  assert.ok(app)
  const repository = await context.repositories.open(app.id)
  const git = (args: string[], input = '') => runGit(repository, args, { input })
  const blob = await git(['hash-object', '-w', '--stdin'], 'what was pushed')
  const tree = await git(['mktree'], `100644 blob ${blob}\tfile.txt\n`)
  const commit = await git(['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', 'commit-tree', tree, '-m', 'x'])
  await git(['update-ref', 'refs/heads/main', commit])
  return commit
}
