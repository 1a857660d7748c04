/**
 * Puts a backup in the place of an empty data folder and an empty Redis. Checked first (stage.ts), then put in place step by
 * step, each of which may be done again: a restore that was broken off goes on where it was when it is called again.
 */
import { createReadStream } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { BackupHeader } from '#core/domain/backup.ts'
import { backupRefused, homeNotEmpty } from '#core/domain/errors.ts'
import type { AppId } from '#core/domain/ids.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { connectStore } from '#core/store/connection.ts'
import { clearState, connectCopy, holdsState, markRestored, restoreKeys, type DumpedKey } from '#core/store/copy.ts'
import { createAuditLog } from '../audit/log.ts'
import { sessionFacts } from '../audit/sessions.ts'
import { readIfThere, writeOnce } from '../files.ts'
import { openRepositories } from '../git/repositories.ts'
import { startOwnRedis, type OwnRedis } from './redis-copy.ts'
import { unpackRepository } from './repository.ts'
import { stage, type Staged } from './stage.ts'
import { unpackFolder } from './trees.ts'

export type RestoreContext = {
  config: Pick<Config, 'home' | 'redisUrl' | 'redisEmbedded' | 'sourceMb' | 'gitSandbox'>
  log: Log
  now: () => number
  say: (line: string) => void
}

export type Restored = { header: BackupHeader; files: number; bytes: number; keys: number; replaced: string | null }

/** Below the data folder. `parts` is what the backup holds, `made` is what becomes of it. */
const foldersOf = (home: string) => {
  const root = join(home, '.restore')
  return { root, parts: join(root, 'parts'), made: join(root, 'made'), verified: join(root, 'verified.json') }
}

/** What a Berth leaves in its data folder, and a restore brings. */
const PLACES = ['redis', 'git', 'layers', 'sources', 'audit', 'buildpacks']

/**
 * @param force what is there is put aside first
 * @throws HOME_NOT_EMPTY, BACKUP_REFUSED
 */
export async function restore(
  content: AsyncIterable<Uint8Array>,
  force: boolean,
  context: RestoreContext,
): Promise<Restored> {
  const { config, say } = context
  const folders = foldersOf(config.home)
  const begun = await readVerified(folders.verified)
  if (begun === null) {
    if (!force) await requireEmpty(context)
    // What an earlier attempt had read of a backup that it did not come to the end of.
    await rm(folders.root, { recursive: true, force: true })
    await mkdir(folders.root, { recursive: true, mode: 0o711 })
    // Git's own user passes through here.
    await chmod(folders.root, 0o711)
  }
  const staged = await read(content, begun, force, context)
  say(`The backup of ${staged.header.createdAt} is whole: ${staged.files.length} files.`)

  const replaced = force ? await putAside(context) : null
  const keys = await restoreState(staged.header, force, context)
  say(`The state is restored: ${keys} keys.`)
  await makeRepositories(staged, context)
  await makeTrees(staged, context)
  await settle(staged, context)
  await rm(folders.root, { recursive: true, force: true })
  const bytes = staged.files.reduce((sum, file) => sum + file.bytes, 0)
  return { header: staged.header, files: staged.files.length, bytes, keys, replaced }
}

async function readVerified(file: string): Promise<Staged | null> {
  const text = await readFile(file, 'utf8').catch(() => null)
  return text === null ? null : (JSON.parse(text) as Staged)
}

/** All of it, or only whether it is the one that was read before. */
async function read(
  content: AsyncIterable<Uint8Array>,
  begun: Staged | null,
  force: boolean,
  { config, say }: RestoreContext,
): Promise<Staged> {
  const folders = foldersOf(config.home)
  if (begun === null) {
    const staged = await stage(content, folders.parts, ({ createdAt, by }) => {
      say(`Reading the backup that ${by} made at ${createdAt} …`)
      return Promise.resolve()
    })
    await writeOnce(folders.verified, JSON.stringify(staged))
    return staged
  }
  const asked = await headerOf(content)
  if (asked.id === begun.header.id) {
    say('Going on with the restore that was begun.')
    return begun
  }
  throw backupRefused(
    `the restore of another one, of ${begun.header.createdAt}, was begun here and is half done. Finish that, or remove ${folders.root}${force ? ' first' : ''}`,
  )
}

class Seen extends Error {
  readonly header: BackupHeader
  constructor(header: BackupHeader) {
    super('seen')
    this.header = header
  }
}

async function headerOf(content: AsyncIterable<Uint8Array>): Promise<BackupHeader> {
  try {
    const { header } = await stage(content, '/nonexistent', (found) => Promise.reject(new Seen(found)))
    return header
  } catch (error) {
    if (error instanceof Seen) return error.header
    throw error
  }
}

/** @throws HOME_NOT_EMPTY */
async function requireEmpty({ config }: RestoreContext): Promise<void> {
  for (const name of ['master-key', ...PLACES]) {
    const path = join(config.home, name)
    const found = await readdir(path).catch(async () =>
      (await readFile(path).catch(() => null)) === null ? [] : [name],
    )
    // Their sockets and locks are not what anybody would miss.
    if (found.length > 0) throw homeNotEmpty(`${path} is not empty`)
  }
  if (config.redisEmbedded) return
  const redis = connectCopy(config.redisUrl)
  try {
    if (await holdsState(redis)) throw homeNotEmpty('Redis at BERTH_REDIS_URL holds the state of one')
  } finally {
    redis.disconnect()
  }
}

/** Once: what a restore that goes on finds there is its own. @returns where to */
async function putAside({ config, now }: RestoreContext): Promise<string> {
  const { root } = foldersOf(config.home)
  const [mark, done] = [join(root, 'aside'), join(root, 'aside-done')]
  await writeOnce(mark, `replaced-${new Date(now()).toISOString().replace(/[:.]/g, '-')}`)
  const aside = join(config.home, await readFile(mark, 'utf8'))
  if ((await readIfThere(done)) !== null) return aside
  await mkdir(aside, { recursive: true, mode: 0o700 })
  for (const found of await readdir(config.home, { withFileTypes: true })) {
    const isKey = found.isFile() && /^[a-z][a-z0-9-]*$/.test(found.name)
    if (isKey || PLACES.includes(found.name)) await rename(join(config.home, found.name), join(aside, found.name))
  }
  await writeOnce(done, '')
  return aside
}

const TOGETHER = 200

/** Into a Redis of its own, whose files are put in place afterwards; or into the one that the settings name. */
async function restoreState(header: BackupHeader, force: boolean, context: RestoreContext): Promise<number> {
  const { config } = context
  const { root, parts } = foldersOf(config.home)
  const target = config.redisEmbedded ? await ownRedis(join(root, 'redis')) : foreignRedis(config.redisUrl)
  try {
    if (force && !config.redisEmbedded) await clearState(target.redis)
    let [keys, held]: [number, DumpedKey[]] = [0, []]
    for await (const line of createInterface({ input: createReadStream(join(parts, 'state', 'keys.ndjson')) })) {
      held.push(JSON.parse(line) as DumpedKey)
      keys += 1
      if (held.length < TOGETHER) continue
      await restoreKeys(target.redis, held)
      held = []
    }
    await restoreKeys(target.redis, held)
    await markRestored(target.redis, header.id)
    await noteRestore(target.url, header, context)
    return keys
  } finally {
    await target.stop()
  }
}

async function ownRedis(folder: string): Promise<OwnRedis> {
  // A half of it is worth nothing.
  await rm(folder, { recursive: true, force: true })
  return startOwnRedis(folder, { db: 0, keeps: true })
}

function foreignRedis(url: string): OwnRedis {
  const redis = connectCopy(url)
  const stop = () => {
    redis.disconnect()
    return Promise.resolve()
  }
  return { redis, url, stop }
}

/** The chain goes on from where the backup has it, and says why. */
async function noteRestore(url: string, { id, createdAt }: BackupHeader, { now }: RestoreContext): Promise<void> {
  const store = connectStore(url)
  try {
    const session = {
      operation: 'restore',
      caller: null,
      tenant: null,
      app: null,
      requestId: 'restore',
      from: { address: 'this machine', agent: '' },
      target: { backup: id, createdAt },
    }
    await createAuditLog({ store, now }).write(sessionFacts(session, { status: 200, code: null }))
  } finally {
    store.disconnect()
  }
}

async function makeRepositories({ files }: Staged, { config, log, say }: RestoreContext): Promise<void> {
  const { made, parts } = foldersOf(config.home)
  const names = files.map(({ name }) => name)
  const apps = names.flatMap((name) => /^git\/(.+)\.refs$/.exec(name)?.[1] ?? [])
  if (apps.length === 0) return
  await mkdir(made, { recursive: true, mode: 0o711 })
  const limits = { maxBytes: config.sourceMb * 1024 * 1024, isSandboxed: config.gitSandbox }
  const repositories = await openRepositories(made, limits, log)
  for (const app of apps) {
    const refs = await readFile(join(parts, 'git', `${app}.refs`), 'utf8')
    const pack = names.includes(`git/${app}.pack`) ? createReadStream(join(parts, 'git', `${app}.pack`)) : null
    await unpackRepository(repositories, app as AppId, refs, pack)
  }
  say(`${apps.length} repositories are restored.`)
}

async function makeTrees({ files }: Staged, { config }: RestoreContext): Promise<void> {
  const { made, parts } = foldersOf(config.home)
  for (const { name } of files) if (name.startsWith('trees/')) await unpackFolder(join(parts, name), made)
}

/** By renaming, which is at once; what is in its place already is not there any more to be moved. */
async function settle({ files }: Staged, { config }: RestoreContext): Promise<void> {
  const { root, parts, made } = foldersOf(config.home)
  const move = async (from: string, to: string) => {
    await mkdir(dirname(to), { recursive: true })
    await rename(from, to).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
  for (const { name } of files.filter((file) => /^(layers|sources|audit)\//.test(file.name))) {
    await mkdir(join(config.home, dirname(name)), { recursive: true, mode: 0o700 })
    await move(join(parts, name), join(config.home, name))
  }
  for (const name of ['git', 'buildpacks']) await replace(join(made, name), join(config.home, name))
  if (config.redisEmbedded) await replace(join(root, 'redis'), join(config.home, 'redis'))
  // The keys last: with them it is a Berth.
  for (const { name } of files.filter((file) => file.name.startsWith('home/')))
    await move(join(parts, name), join(config.home, name.slice('home/'.length)))
}

/** A folder takes the place of one that is not there, or is empty. */
async function replace(from: string, to: string): Promise<void> {
  const isThere = (await readdir(from).catch(() => null)) !== null
  if (!isThere) return
  if ((await readdir(to).catch(() => [])).length === 0) await rm(to, { recursive: true, force: true })
  await rename(from, to)
}
