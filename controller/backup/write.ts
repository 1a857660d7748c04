/**
 * Makes a backup while everything goes on. The order is what makes it whole: the keys, which never change; the state as it was at
 * one moment; and then what that state refers to, none of which changes once it is there, and none of which is deleted meanwhile.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BACKUP_VERSION,
  CONTENTS,
  HEADER,
  isFileName,
  PART_BYTES,
  partName,
  type BackupFile,
  type BackupHeader,
} from '#core/domain/backup.ts'
import { conflictingBackup } from '#core/domain/errors.ts'
import type { AppId } from '#core/domain/ids.ts'
import { END_BYTES, entryHeader, paddingOf } from '#core/domain/slug-file.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import { dumpAll } from '#core/store/copy.ts'
import { holdLease, releaseLease } from '#core/store/leases.ts'
import { codeOf } from '../files.ts'
import type { Repositories } from '../git/repositories.ts'
import { layerFileName, type Layers } from '../layers.ts'
import { asBackup } from '../store-users.ts'
import { copyState } from './redis-copy.ts'
import { packRepository } from './repository.ts'
import { packFolder } from './trees.ts'

export type BackupContext = {
  store: Store
  config: Pick<Config, 'home' | 'redisUrl'>
  log: Log
  layers: Pick<Layers, 'list' | 'read'>
  repositories: Repositories
  now: () => number
}

type Chunks = AsyncIterable<Uint8Array>
/** What is written next; null: it is gone by now, and nothing in the state needs it. */
type Source = { name: string; open: () => Promise<Chunks | null> }

/** Nothing that the state may refer to is deleted while somebody holds this. */
export const BACKUP_LEASE = 'backup'
const LEASE_MS = 60_000

/** @param by who asked for it, for people. @throws BACKUP_UNDER_WAY, STATE_NOT_READABLE */
export async function* writeBackup(
  context: BackupContext,
  by: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { config, store, log, now } = context
  const id = randomUUID()
  const over = new AbortController()
  const hold = () => holdLease(store, BACKUP_LEASE, id, LEASE_MS)
  if (!(await hold())) throw conflictingBackup()
  const held = repeat(
    LEASE_MS / 3,
    async () => void (await hold()),
    AbortSignal.any([signal, over.signal]),
    (error) => log.warn('backup does not hold its lease', { error }),
  )
  // What a controller that was killed had begun.
  for (const name of await readdir(config.home))
    if (name.startsWith('.backup-')) await rm(join(config.home, name), { recursive: true, force: true })
  const folder = await mkdtemp(join(config.home, '.backup-'))
  const files: BackupFile[] = []
  const seconds = Math.floor(now() / 1000)
  try {
    const header: BackupHeader = {
      format: 'berth-backup',
      version: BACKUP_VERSION,
      id,
      createdAt: new Date(now()).toISOString(),
      by,
    }
    yield* entry(HEADER, text(header), seconds)
    for await (const { name, open } of sources(context, folder)) {
      signal.throwIfAborted()
      if (!isFileName(name)) throw new Error(`${name} has no place in a backup`)
      const content = await open()
      if (content !== null) files.push(yield* fileOf(name, content, seconds))
    }
    yield* entry(CONTENTS, text({ files }), seconds)
    yield new Uint8Array(END_BYTES)
    log.info('backup made', { id, by, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) })
  } finally {
    over.abort()
    await held
    await releaseLease(store, BACKUP_LEASE, id).catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
}

const text = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 1)}\n`)

async function* sources(context: BackupContext, folder: string): AsyncGenerator<Source> {
  const { store, config, layers, repositories } = context
  const { home } = config
  yield* filesIn(home, 'home', isKey)
  const copy = await asBackup(store, config.redisUrl, randomBytes, (url) => copyState(url, join(folder, 'redis')))
  try {
    yield { name: 'state/keys.ndjson', open: () => Promise.resolve(linesOf(dumpAll(copy.redis))) }
  } finally {
    await copy.stop()
  }
  for await (const { digest } of layers.list())
    yield { name: `layers/${layerFileName(digest)}`, open: () => unlessGone(() => layers.read(digest)) }
  for (const name of await namesIn(join(home, 'git'))) {
    if (!name.endsWith('.git')) continue
    const app = name.slice(0, -'.git'.length) as AppId
    const packed = await unlessGone(() => packRepository(repositories, app))
    if (packed === null) continue
    yield { name: `git/${app}.refs`, open: () => Promise.resolve(once(packed.refs)) }
    if (packed.pack) yield { name: `git/${app}.pack`, open: () => Promise.resolve(packed.pack?.() ?? null) }
  }
  yield* filesIn(join(home, 'sources'), 'sources', (name) => name.endsWith('.tar'))
  yield* filesIn(join(home, 'audit'), 'audit', (name) => name.endsWith('.jsonl'))
  if ((await namesIn(join(home, 'buildpacks'))).length > 0)
    yield { name: 'trees/buildpacks.tar', open: () => Promise.resolve(packFolder(home, 'buildpacks')) }
}

/** Keys and tokens lie in the data folder itself, and have no ending. */
const isKey = (name: string): boolean => /^[a-z][a-z0-9-]*$/.test(name)
const MAX_KEY_BYTES = 64 * 1024

async function* filesIn(folder: string, kind: string, isMeant: (name: string) => boolean): AsyncGenerator<Source> {
  for (const name of await namesIn(folder)) {
    const path = join(folder, name)
    if (!isMeant(name)) continue
    const found = await unlessGone(() => stat(path))
    if (!found?.isFile() || (kind === 'home' && found.size > MAX_KEY_BYTES)) continue
    yield {
      name: `${kind}/${name}`,
      open: () => unlessGone(async () => (kind === 'home' ? once(await readFile(path)) : opened(path))),
    }
  }
}

/** Opened before it is said to be there. */
async function opened(path: string): Promise<Chunks> {
  await stat(path)
  return createReadStream(path)
}

const namesIn = async (folder: string): Promise<string[]> =>
  (
    await readdir(folder).catch((error: unknown) => (codeOf(error) === 'ENOENT' ? [] : Promise.reject(error as Error)))
  ).sort()

async function unlessGone<T>(act: () => Promise<T>): Promise<T | null> {
  try {
    return await act()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- one chunk as a stream of them
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function* linesOf(values: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const value of values) yield Buffer.from(`${JSON.stringify(value)}\n`)
}

/** A file in parts, each held as a whole: its length comes before it. */
async function* fileOf(name: string, content: Chunks, seconds: number): AsyncGenerator<Uint8Array, BackupFile> {
  const hash = createHash('sha256')
  let [bytes, part, held] = [0, 0, 0]
  let pieces: Uint8Array[] = []
  for await (const chunk of content) {
    hash.update(chunk)
    bytes += chunk.length
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + PART_BYTES - held)
      pieces.push(piece)
      held += piece.length
      at += piece.length
      if (held < PART_BYTES) continue
      yield* entry(partName(name, ++part), Buffer.concat(pieces), seconds)
      pieces = []
      held = 0
    }
  }
  if (held > 0 || part === 0) yield* entry(partName(name, part + 1), Buffer.concat(pieces), seconds)
  return { name, bytes, sha256: hash.digest('hex') }
}

function* entry(name: string, content: Uint8Array, time: number): Generator<Uint8Array> {
  yield entryHeader({ name, bytes: content.length, time })
  yield content
  yield new Uint8Array(paddingOf(content.length))
}
