/** What the first start lays down: the data folder, the default tenant, and the operator's token. */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { folderNotUsable } from '#core/domain/errors.ts'
import { DEFAULT_TENANT } from '#core/domain/quota.ts'
import type { Store } from '#core/store/connection.ts'
import { createTenant, loadTenant, newTenant } from '#core/store/tenants.ts'
import { loadToken, removeToken, saveToken } from '#core/store/tokens.ts'
import { makeToken, parseToken, type Random } from './credentials.ts'
import { readIfThere, writeOnce } from './files.ts'

/** @throws FOLDER_NOT_USABLE */
export async function prepareHome(home: string): Promise<void> {
  try {
    await mkdir(home, { recursive: true })
    // Others may pass through (git's user, the sandboxes' users) but not look around.
    await chmod(home, 0o711)
    for (const name of ['sources', 'layers']) await mkdir(join(home, name), { recursive: true, mode: 0o700 })
    const probe = join(home, `.writable-${process.pid}`)
    await rm(probe, { force: true })
    await writeOnce(probe, '')
    await rm(probe)
  } catch (error) {
    throw folderNotUsable('BERTH_HOME', home, error)
  }
}

type Context = { store: Store; home: string; random: Random; now: () => number }

export async function bootstrap(context: Context): Promise<void> {
  const { store, home, now } = context
  if (!(await loadTenant(store, DEFAULT_TENANT))) await createTenant(store, newTenant(DEFAULT_TENANT, now()))
  await ensureOperatorToken(context, join(home, 'operator-token'))
  await endSharedToken(store, join(home, 'agent-token'))
}

/** An earlier version had one token for the agents of all hosts, each of which now has a certificate of its own. */
async function endSharedToken(store: Store, path: string): Promise<void> {
  const token = parseToken(((await readIfThere(path)) ?? '').toString().trim())
  if (token) await removeToken(store, token.id)
  await rm(path, { force: true })
}

const wholeToken = {
  userId: null,
  tenantId: null,
  role: 'owner',
  appId: null,
  readOnly: false,
  expiresAt: null,
  lastUsedAt: null,
} as const

/**
 * The file decides: where it exists its token is valid after this, also when Redis lost its data; where it is missing a
 * new token is made.
 */
async function ensureOperatorToken({ store, random, now }: Context, path: string): Promise<void> {
  if ((await readIfThere(path)) === null) await writeOnce(path, makeToken(random).text + '\n')
  const token = parseToken(((await readIfThere(path)) ?? '').toString().trim())
  if (!token) throw new Error(`${path} does not hold an API token. Remove it and start again: a new one is written.`)
  const known = await loadToken(store, token.id)
  if (known?.secretHash === token.secretHash && known.kind === 'operator') return
  await saveToken(store, { ...token, ...wholeToken, kind: 'operator', description: 'operator', createdAt: now() })
}
