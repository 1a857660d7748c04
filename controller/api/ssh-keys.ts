/** SSH keys: whoever may act for a tenant may add, list and remove its keys. */
import type { Request } from 'express'
import type { z } from 'zod'
import { addSshKey as addSshKeySchema, type SshKeyView } from '#core/contract/ssh.ts'
import { badRequest, forbidden, notFound, sshKeyTaken, tooManySshKeys } from '#core/domain/errors.ts'
import { makeId } from '#core/domain/ids.ts'
import { MAX_KEYS_OF_TENANT, parsePublicKey, type SshKeyRecord } from '#core/domain/ssh-key.ts'
import { addSshKey, loadSshKeys, removeSshKey } from '#core/store/ssh-keys.ts'
import { fingerprintOf } from '../ssh/host-key.ts'
import { lacking, roleIn, type Caller } from '#core/domain/access.ts'
import { mayChangeIn, seesTenant, tenantToChange } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'

export const sshKeyRoutes = (context: ApiContext): Routes => ({
  '/ssh': {
    GET(_req, res) {
      res.json(context.ssh())
    },
  },
  '/keys': {
    async GET(req, res) {
      const all = (await loadSshKeys(context.store)).filter((key) => seesTenant(callerOf(req), key.tenantId))
      res.json({ keys: all.sort((a, b) => a.createdAt - b.createdAt).map(sshKeyView) })
    },
    async POST(req, res) {
      const record = await makeRecord(callerOf(req), bodyOf(req, addSshKeySchema), context)
      if (!(await addSshKey(context.store, record))) {
        context.log.warn('ssh key refused: taken', { fingerprint: record.fingerprint, actor: record.addedBy })
        throw sshKeyTaken(record.fingerprint)
      }
      const { id, fingerprint, tenantId, addedBy } = record
      context.log.info('ssh key added', { keyId: id, fingerprint, tenantId, actor: addedBy })
      res.status(201).json(sshKeyView(record))
    },
  },
  '/keys/:key': {
    async DELETE(req, res) {
      const { id, fingerprint, tenantId } = await keyToRemove(req, context)
      await removeSshKey(context.store, fingerprint)
      context.log.info('ssh key removed', { keyId: id, fingerprint, tenantId, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
})

async function makeRecord(
  caller: Caller,
  wish: z.infer<typeof addSshKeySchema>,
  { store, random, now }: ApiContext,
): Promise<SshKeyRecord> {
  const { type, bits, blob, comment } = parsePublicKey(wish.key)
  const fingerprint = fingerprintOf(blob)
  const name = wish.name ?? (comment === '' ? fingerprint : comment)
  // It names the actor in lists and logs, so it stays on one line.
  if (/\p{Cc}/u.test(name)) throw badRequest('name: must hold no control characters')
  const tenantId = await tenantToChange(caller, wish.tenant, store)
  const own = (await loadSshKeys(store)).filter((key) => key.tenantId === tenantId)
  if (own.length >= MAX_KEYS_OF_TENANT) throw tooManySshKeys(tenantId, MAX_KEYS_OF_TENANT)
  const base64 = Buffer.from(blob).toString('base64')
  const id = makeId('k', random(13))
  // What an operator adds for a tenant of others is the tenant's.
  const userId = roleIn(caller, tenantId) === null ? null : caller.userId
  return { id, fingerprint, type, bits, blob: base64, name, tenantId, userId, addedBy: caller.actor, createdAt: now() }
}

async function keyOf(req: Request, { store }: ApiContext): Promise<SshKeyRecord> {
  const wanted = param(req, 'key')
  const key = (await loadSshKeys(store)).find(({ id, fingerprint }) => id === wanted || fingerprint === wanted)
  if (!key || !seesTenant(callerOf(req), key.tenantId)) throw notFound('SSH key', wanted.slice(0, 100))
  return key
}

/** One's own; those of others by whoever may change what is the tenant's as a whole. @throws NOT_FOUND, FORBIDDEN */
async function keyToRemove(req: Request, context: ApiContext): Promise<SshKeyRecord> {
  const caller = callerOf(req)
  const key = await keyOf(req, context)
  const isOwn = key.userId != null && key.userId === caller.userId
  if (!isOwn && !mayChangeIn(caller, key.tenantId))
    throw forbidden(`removing a key needs ${lacking(caller, 'tenant:write')}`)
  return key
}

const sshKeyView = ({ id, name, fingerprint, type, bits, tenantId, addedBy, createdAt }: SshKeyRecord): SshKeyView => ({
  id,
  name,
  fingerprint,
  type,
  bits,
  tenant: tenantId,
  addedBy,
  createdAt: new Date(createdAt).toISOString(),
})
