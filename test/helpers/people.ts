/** Accounts to test with. */
import { randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import { mintLoginCode } from '../../controller/identity/sessions.ts'
import type { Role } from '#core/domain/access.ts'
import { makeId, type TenantId, type UserId } from '#core/domain/ids.ts'
import { createTenant, newTenant } from '#core/store/tenants.ts'
import { createUser } from '#core/store/users.ts'
import type { TestApi } from './api.ts'
import { aBrowser, type Browser } from './browser.ts'

export const PASSWORD = 'correct horse battery'

export type Person = { id: UserId; email: string; browser: Browser }

/** Somebody with an account, who is signed in with nothing yet. */
export async function aPersonOf(
  { context }: TestApi,
  email: string,
  { operator = false, tenant, role = 'member' }: { operator?: boolean; tenant?: string; role?: Role } = {},
): Promise<UserId> {
  const id = makeId('u', randomBytes(13)) as UserId
  const password = await context.identity.passwords.hash(PASSWORD)
  if (tenant !== undefined) await createTenant(context.store, newTenant(tenant as TenantId, 0))
  const joining = tenant === undefined ? null : { tenantId: tenant as TenantId, role }
  await createUser(context.store, { id, email, name: email, createdAt: 0, operator, password }, joining, null)
  return id
}

/** The same, signed in. */
export async function aSignedIn(
  api: TestApi,
  email: string,
  options: Parameters<typeof aPersonOf>[2] = {},
): Promise<Person> {
  const id = await aPersonOf(api, email, options)
  const browser = aBrowser(api)
  const { status } = await browser.call('POST', '/v1/session', { email, password: PASSWORD })
  if (status !== 200) throw new Error(`${email} could not sign in`)
  return { id, email, browser }
}

/** The built-in operator, by a login link. */
export async function theOperator(api: TestApi): Promise<Browser> {
  const browser = aBrowser(api)
  const { code } = await mintLoginCode(api.context, null, 'a test')
  await browser.call('POST', '/v1/session/once', { code })
  return browser
}

/** What an authenticator app shows. @param steps how many periods later (or earlier) it looks */
export const codeOf = (secret: string, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 })
