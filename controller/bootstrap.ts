/** What the first start lays down: the data folder, the default tenant, and the operator's and the agents' tokens. */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { folderNotUsable } from '#core/domain/errors.ts'
import { DEFAULT_TENANT } from '#core/domain/quota.ts'
import type { Store } from '#core/store/connection.ts'
import { createTenant, loadTenant, newTenant } from '#core/store/tenants.ts'
import { loadToken, saveToken } from '#core/store/tokens.ts'
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
  await ensureToken(context, join(home, 'operator-token'), 'operator')
  await ensureToken(context, join(home, 'agent-token'), 'agent')
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
async function ensureToken({ store, random, now }: Context, path: string, role: 'operator' | 'agent'): Promise<void> {
  if ((await readIfThere(path)) === null) await writeOnce(path, makeToken(random).text + '\n')
  const token = parseToken(((await readIfThere(path)) ?? '').toString().trim())
  if (!token) throw new Error(`${path} does not hold an API token. Remove it and start again: a new one is written.`)
  const known = await loadToken(store, token.id)
  if (known?.secretHash === token.secretHash && known.kind === role) return
  await saveToken(store, { ...token, ...wholeToken, kind: role, description: role, createdAt: now() })
}
