/**
 * The users of Redis that the controller keeps: one for each host's agent, and the one that backups copy the state as. It does so
 * where it is itself a user of Redis's, of the embedded one or as docs/redis.md says; where all share one URL, there is nothing
 * to keep.
 */
import { createHash } from 'node:crypto'
import type { HostId } from '#core/domain/ids.ts'
import { agentUser, backupUser, setUser, type StoreUser } from '#core/store/acl.ts'
import { asUser, redisOptions, type Store, type StoreLogin } from '#core/store/connection.ts'
import type { Random } from './credentials.ts'

const PASSWORD_BYTES = 32

/**
 * Makes the user of a host's agent what it is to be, with a new password; that from before opens nothing any more.
 * @returns null where Redis has no users of Berth's
 */
export async function admitAgent(store: Store, host: HostId, random: Random): Promise<StoreLogin | null> {
  if (!(await keepsUsers(store))) return null
  const login = await lend(store, agentUser(host), random)
  await saveUsers(store)
  return login
}

/** The agent of a host that was removed: its connections end with its user. */
export async function dismissAgent(store: Store, host: HostId): Promise<void> {
  if (!(await keepsUsers(store))) return
  await store.acl('DELUSER', agentUser(host).name)
  await saveUsers(store)
}

/**
 * Runs something with a URL under which Redis hands out its whole state, as to a replica. The password is known to nobody else and
 * ends with it.
 * @param url of the controller itself
 */
export async function asBackup<T>(
  store: Store,
  url: string,
  random: Random,
  work: (url: string) => Promise<T>,
): Promise<T> {
  if (!(await keepsUsers(store))) return work(url)
  const login = await lend(store, backupUser, random)
  try {
    return await work(asUser(withoutLogin(url), login))
  } finally {
    await store.call('ACL', ...['SETUSER', ...setUser(backupUser, [])])
  }
}

/** Does whoever we are manage others? `default` is who connects without a name: then everybody does. */
async function keepsUsers(store: Store): Promise<boolean> {
  return (await store.acl('WHOAMI')) !== 'default'
}

async function lend(store: Store, user: StoreUser, random: Random): Promise<StoreLogin> {
  const password = Buffer.from(random(PASSWORD_BYTES)).toString('base64url')
  const hash = createHash('sha256').update(password).digest('hex')
  await store.call('ACL', ...['SETUSER', ...setUser(user, [hash])])
  return { user: user.name, password }
}

/** Users outlive a restart of Redis only in its ACL file. @throws what Redis says where it has none */
async function saveUsers(store: Store): Promise<void> {
  await store.acl('SAVE')
}

function withoutLogin(url: string): string {
  const { username, password } = redisOptions(url)
  return username === undefined && password === undefined ? url : url.replace(/:\/\/[^@/]*@/, '://')
}
