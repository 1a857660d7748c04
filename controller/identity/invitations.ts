/** Inviting people: a code that is shown once and stored as a hash, for one address, for a week, for one acceptance. */
import { timingSafeEqual } from 'node:crypto'
import { codeSpent } from '#core/domain/access-errors.ts'
import { isId, makeId } from '#core/domain/ids.ts'
import type { Store } from '#core/store/connection.ts'
import { loadInvitation, saveInvitation, type Invitation } from '#core/store/invitations.ts'
import type { Random } from '../credentials.ts'
import { hashSecret, makeSecret } from './codes.ts'

const LIFE_MS = 7 * 86_400_000

type Context = { store: Store; random: Random; now: () => number }

/** @returns the invitation, and the code that accepts it, which is nowhere else */
export async function makeInvitation(
  { store, random, now }: Context,
  { email, to, invitedBy }: Pick<Invitation, 'email' | 'to' | 'invitedBy'>,
): Promise<{ invitation: Invitation; code: string }> {
  const id = makeId('n', random(13))
  const { text, hash } = makeSecret(random)
  const at = now()
  const invitation = { id, secretHash: hash, email, to, invitedBy, createdAt: at, expiresAt: at + LIFE_MS }
  await saveInvitation(store, invitation, at)
  return { invitation, code: `${id}.${text}` }
}

/** @throws CODE_NOT_VALID */
export async function readInvitation({ store, now }: Omit<Context, 'random'>, code: string): Promise<Invitation> {
  const [id = '', secret = ''] = code.trim().split('.')
  const invitation = isId(id) ? await loadInvitation(store, id) : null
  if (!invitation || invitation.expiresAt <= now() || !same(invitation.secretHash, hashSecret(secret)))
    throw codeSpent('invitation')
  return invitation
}

const same = (one: string, other: string): boolean =>
  timingSafeEqual(Buffer.from(one, 'hex'), Buffer.from(other, 'hex'))
