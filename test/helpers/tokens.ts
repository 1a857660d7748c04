/** API tokens of every kind, as the store would hold them. */
import { randomBytes } from 'node:crypto'
import { makeToken } from '../../controller/credentials.ts'
import type { Role } from '#core/domain/access.ts'
import type { AppId, TenantId, UserId } from '#core/domain/ids.ts'
import { saveToken } from '#core/store/tokens.ts'
import type { TestApi } from './api.ts'

type Wish = {
  tenant?: string | null
  role?: Role
  app?: AppId
  readOnly?: boolean
  expiresAt?: number
  userId?: UserId
  kind?: 'operator' | 'member'
}

/** @returns the token as its bearer sends it */
export async function aToken({ context }: Pick<TestApi, 'context'>, wish: Wish = {}): Promise<string> {
  const {
    tenant = null,
    role = 'member',
    app = null,
    readOnly = false,
    expiresAt = null,
    userId = null,
    kind = 'member',
  } = wish
  const { id, text, secretHash } = makeToken((bytes) => randomBytes(bytes))
  const scope = { kind, tenantId: tenant as TenantId | null, role, appId: app, readOnly }
  await saveToken(context.store, {
    ...{ id, secretHash, ...scope, userId, description: `${role} of ${tenant}` },
    ...{ createdAt: Date.now(), expiresAt, lastUsedAt: null },
  })
  return text
}

/** A new app of a tenant that there is. */
export async function anAppOf(api: TestApi, tenant: string, name: string): Promise<AppId> {
  const { status, body } = await api.call(api.operator, 'POST', '/v1/apps', { name, tenant })
  if (status !== 201) throw new Error(`${name} was not made: ${JSON.stringify(body)}`)
  return (body as { id: string }).id as AppId
}
