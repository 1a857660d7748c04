/** Whose account it is that a provider vouches for: the one that came before, the one with the address, or an invited one. */
import { signOnRefused } from '#core/domain/access-errors.ts'
import { makeId, type UserId } from '#core/domain/ids.ts'
import { normaliseEmail, type User } from '#core/domain/user.ts'
import type { OidcConfig } from '#core/runtime/sign-on-config.ts'
import type { Store } from '#core/store/connection.ts'
import { loadInvitations, type Invitation } from '#core/store/invitations.ts'
import { createUser, findUser, findUserBySubject, linkSubject, loadUser } from '#core/store/users.ts'
import type { Random } from '../credentials.ts'
import { subjectKey, type Vouched } from './oidc.ts'

type Context = { store: Store; random: Random; now: () => number; oidc: OidcConfig }

/** @throws SIGN_ON_NO_EMAIL, SIGN_ON_UNKNOWN */
export async function userVouchedFor(vouched: Vouched, context: Context): Promise<User> {
  const { store, oidc } = context
  const subject = subjectKey(oidc.issuer, vouched.subject)
  const before = await findUserBySubject(store, subject)
  if (before) return before
  const email = normaliseEmail(vouched.email ?? '')
  if (email === null)
    throw signOnRefused(
      'SIGN_ON_NO_EMAIL',
      `${oidc.name} does not vouch for an e-mail address of yours. Verify it there first.`,
    )
  const user = (await findUser(store, email)) ?? (await welcome(email, vouched.name ?? email, context))
  await linkSubject(store, subject, user.id)
  return user
}

/** The provider has proved that the address is theirs, which is what an invitation's code is for. */
async function welcome(email: string, name: string, context: Context): Promise<User> {
  const { store, oidc, now } = context
  const invitation = (await loadInvitations(store)).find((one) => one.email === email && one.expiresAt > now())
  if (!invitation && !oidc.createsUsers)
    throw signOnRefused('SIGN_ON_UNKNOWN', `Nobody has invited ${email}. Ask an owner of your tenant, or an operator.`)
  const id = await make(email, name, invitation ?? null, context)
  // Somebody else was faster, maybe the same person in another tab.
  const user = (id && (await loadUser(store, id))) ?? (await findUser(store, email))
  if (!user) throw signOnRefused('SIGN_ON_FAILED', 'The invitation was used or taken back meanwhile. Try again.')
  return user
}

async function make(
  email: string,
  name: string,
  invitation: Invitation | null,
  context: Context,
): Promise<UserId | null> {
  const { store, random, now } = context
  const id = makeId('u', random(13)) as UserId
  const operator = invitation !== null && invitation.to === null
  const user = { id, email, name, createdAt: now(), operator, password: null }
  const outcome = await createUser(store, user, invitation?.to ?? null, invitation?.id ?? null)
  return outcome === 'made' ? id : null
}
