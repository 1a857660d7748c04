/** Signing in by password and second factor, as a story. What it costs and says is the same for accounts that do not exist. */
import { totpRequired, wrongLogin, wrongTotp } from '#core/domain/access-errors.ts'
import { normaliseEmail, type User } from '#core/domain/user.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import { changeUser, findUser, loadPassword } from '#core/store/users.ts'
import type { Random } from '../credentials.ts'
import type { Sealer } from '../secrets.ts'
import type { Identity } from './index.ts'
import { checkTotp } from './totp.ts'

export type SignInContext = {
  store: Store
  sealer: Sealer
  identity: Identity
  log: Log
  random: Random
  now: () => number
}

export type Attempt = { email: string; password: string; totp?: string | undefined }

/**
 * @param address where it comes from
 * @returns who it is, and whether a second factor was shown
 * @throws WRONG_LOGIN, TOTP_REQUIRED, WRONG_TOTP, TOO_MANY_ATTEMPTS, BUSY
 */
export async function signIn(
  attempt: Attempt,
  address: string,
  context: SignInContext,
): Promise<{ user: User; secondFactor: boolean }> {
  const { identity, store, now, log } = context
  const email = normaliseEmail(attempt.email) ?? ''
  const counted = await identity.throttle.attempt(email, address)
  const user = await verify(email, attempt.password, context)
  if (!user) {
    log.info('sign-in refused', { address, known: false })
    throw wrongLogin()
  }
  const secondFactor = user.hasTotp && (await passTotp(user, attempt.totp, counted, context))
  await counted.forgive()
  await changeUser(store, user, { lastLoginAt: now() })
  log.info('signed in', { userId: user.id, address, secondFactor })
  return { user, secondFactor }
}

/** A new password hash takes the place of one that was made by weaker parameters. @returns null when it is wrong */
async function verify(email: string, password: string, { identity, store }: SignInContext): Promise<User | null> {
  const user = await findUser(store, email)
  const stored = user && (await loadPassword(store, user.id))
  const { right, isOutdated } = await identity.passwords.verify(password, stored)
  if (!right || !user) return null
  if (isOutdated) await changeUser(store, user, { password: await identity.passwords.hash(password) })
  return user
}

async function passTotp(
  user: User,
  code: string | undefined,
  counted: { forgive(): Promise<void> },
  context: SignInContext,
): Promise<true> {
  if (code === undefined) {
    // Half of a sign-in is no guess.
    await counted.forgive()
    throw totpRequired()
  }
  if (!(await checkTotp(context, user, code))) throw wrongTotp()
  return true
}
