/**
 * The users of Redis (docs/redis.md): an ACL file, which holds passwords' hashes, and for the controller and the router a file with
 * the URL that names theirs. All of it is root's alone. Agents get a user from the controller.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { aclFile } from '#core/store/acl.ts'
import { asUser, redisOptions } from '#core/store/connection.ts'

export type StoreRole = 'controller' | 'router'
export type Environment = Record<string, string>

const SETTING = 'BERTH_REDIS_URL'
const PASSWORD_BYTES = 32

const folderOf = (home: string): string => join(home, 'redis')
export const aclPath = (home: string): string => join(folderOf(home), 'users.acl')
/** A line of NAME="value", for systemd. */
export const loginPath = (home: string, role: StoreRole): string => join(folderOf(home), `${role}.env`)

/** Those of the embedded Redis; before it starts. */
export const prepareStoreUsers = (home: string): Promise<Record<StoreRole, Environment>> =>
  writeStoreUsers(folderOf(home), `unix://${join(folderOf(home), 'redis.sock')}`)

/**
 * Passwords that were made stay, so that Redis may be started again alone; whoever removes the files has new ones.
 * @param url how Redis is reached, without a user
 * @returns what each role is to find in its environment
 */
export async function writeStoreUsers(folder: string, url: string): Promise<Record<StoreRole, Environment>> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const controller = await loginOf(folder, 'controller', url)
  const router = await loginOf(folder, 'router', url)
  const file = join(folder, 'users.acl')
  const before = await readFile(file, 'utf8').catch(() => '')
  const hashes = { controller: hashOf(controller), router: hashOf(router) }
  await replaceFile(file, aclFile(before, hashes))
  return { controller: { [SETTING]: controller }, router: { [SETTING]: router } }
}

async function loginOf(folder: string, role: StoreRole, url: string): Promise<string> {
  const path = join(folder, `${role}.env`)
  const known = new RegExp(`^${SETTING}="(.+)"$`, 'm').exec(await readFile(path, 'utf8').catch(() => ''))?.[1]
  const made = known ?? asUser(url, { user: role, password: randomBytes(PASSWORD_BYTES).toString('base64url') })
  if (known === undefined) await replaceFile(path, `${SETTING}="${made}"\n`)
  return made
}

const hashOf = (url: string): string =>
  createHash('sha256')
    .update(redisOptions(url).password ?? '')
    .digest('hex')

/** Whole or not at all, and from its first moment nobody else's to read. */
async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.new`
  await writeFile(temporary, content, { mode: 0o600 })
  await rename(temporary, path)
}
