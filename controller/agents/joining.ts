/** How a machine becomes a host: an operator makes a join token, its agent spends it for a certificate, and gets the next ones by that. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { JOIN_TOKEN, type CertificateAnswer, type JoinTokenView } from '#core/contract/enrolment.ts'
import { JOIN_WITHIN_MS, type HostIdentity } from '#core/domain/agent-access.ts'
import { joinTokenRefused } from '#core/domain/host-errors.ts'
import { makeId, type HostId } from '#core/domain/ids.ts'
import type { Store } from '#core/store/connection.ts'
import { enrol, hasEnrolled, loadJoinToken, saveJoinToken, spendJoinToken } from '#core/store/enrolments.ts'
import type { Random } from '../credentials.ts'
import type { Authority } from './authority.ts'

export type JoiningContext = {
  store: Store
  authority: Authority
  config: { hostCertificateMs: number }
  random: Random
  now: () => number
}

const SECRET_BYTES = 32

/** @param by the operator, for people */
export async function makeJoinToken(context: JoiningContext, host: HostId, by: string): Promise<JoinTokenView> {
  const { store, authority, random, now } = context
  const id = makeId('j', random(13))
  const secret = Buffer.from(random(SECRET_BYTES)).toString('hex')
  const expiresAt = now() + JOIN_WITHIN_MS
  const secretHash = hash(secret).toString('hex')
  await saveJoinToken(store, { id, secretHash, host, by, expiresAt }, now())
  return {
    host,
    token: `berth_${id}_${secret}_${authority.fingerprint}`,
    expiresAt: new Date(expiresAt).toISOString(),
    replaces: await hasEnrolled(store, host),
  }
}

export type Joining = { host: HostId; token: string; publicKey: string }

/**
 * Spends the token. What the host had before counts no more.
 * @returns the certificate, and who had made the token
 * @throws JOIN_TOKEN_REFUSED, and BAD_REQUEST for a key that is none; the token stays as it was
 */
export async function join(
  context: JoiningContext,
  { host, token, publicKey }: Joining,
): Promise<{ answer: CertificateAnswer; identity: HostIdentity; by: string }> {
  const { store, random, now } = context
  const [, id, secret] = JOIN_TOKEN.exec(token) ?? []
  const known = await loadJoinToken(store, host)
  // An unknown one costs the same comparison, so that the time of the answer tells nothing.
  const isSame = timingSafeEqual(Buffer.from(known?.secretHash ?? NO_HASH, 'hex'), hash(secret ?? ''))
  if (!known || !isSame || known.id !== id || known.expiresAt <= now()) throw joinTokenRefused(host)
  const identity = { host, enrolment: makeId('e', random(13)) }
  const answer = certificateFor(context, identity, publicKey)
  if (!(await spendJoinToken(store, host))) throw joinTokenRefused(host)
  await enrol(store, identity)
  return { answer, identity, by: known.by }
}

/** The next certificate of a host that has one. @throws BAD_REQUEST */
export function certificateFor(
  { authority, config, now }: JoiningContext,
  identity: HostIdentity,
  publicKey: string,
): CertificateAnswer {
  const certificate = authority.certifyAgent(identity, publicKey, now() + config.hostCertificateMs)
  return { certificate, authority: authority.certificate }
}

const hash = (secret: string): Buffer => createHash('sha256').update(secret).digest()
const NO_HASH = '0'.repeat(64)
