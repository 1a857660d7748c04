/**
 * The users of the embedded Redis (docs/decisions/0015-…): its ACL file, which holds passwords' hashes, and for the controller and
 * the router a file with the URL that names theirs. All are in Redis's folder, which is root's alone. Agents get a user from the
 * controller.
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

export const aclPath = (home: string): string => join(home, 'redis', 'users.acl')
/** A line of NAME="value", for systemd. */
export const loginPath = (home: string, role: StoreRole): string => join(home, 'redis', `${role}.env`)

/**
 * Before Redis starts. Passwords that were made stay, so that it may be started again alone; remove the files to have new ones.
 * @returns what each role is to find in its environment
 */
export async function prepareStoreUsers(home: string): Promise<Record<StoreRole, Environment>> {
  await mkdir(join(home, 'redis'), { recursive: true, mode: 0o700 })
  const socket = `unix://${join(home, 'redis', 'redis.sock')}`
  const controller = await loginOf(home, 'controller', socket)
  const router = await loginOf(home, 'router', socket)
  const before = await readFile(aclPath(home), 'utf8').catch(() => '')
  const hashes = { controller: hashOf(controller), router: hashOf(router) }
  await replaceFile(aclPath(home), aclFile(before, hashes))
  return { controller: { [SETTING]: controller }, router: { [SETTING]: router } }
}

/** The URL under which a role reaches the embedded Redis; made where it is missing. */
async function loginOf(home: string, role: StoreRole, socket: string): Promise<string> {
  const path = loginPath(home, role)
  const known = new RegExp(`^${SETTING}="(.+)"$`, 'm').exec(await readFile(path, 'utf8').catch(() => ''))?.[1]
  const url = known ?? asUser(socket, { user: role, password: randomBytes(PASSWORD_BYTES).toString('base64url') })
  if (known === undefined) await replaceFile(path, `${SETTING}="${url}"\n`)
  return url
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
