/** Which machines are hosts: the enrolment that counts of each, and the join tokens that are open. */
import type { HostIdentity } from '../domain/agent-access.ts'
import type { HostId } from '../domain/ids.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

export type JoinToken = {
  id: string
  /** SHA-256 of the secret, in hex. */
  secretHash: string
  host: HostId
  by: string
  expiresAt: number
}

/** A host has one at most: the one before is not good any more. */
export async function saveJoinToken(store: Store, token: JoinToken, now: number): Promise<void> {
  await store.set(keys.joinToken(token.host), pack(token), 'PX', Math.max(1, token.expiresAt - now))
}

export const loadJoinToken = async (store: Store, host: HostId): Promise<JoinToken | null> =>
  unpack<JoinToken>(await store.get(keys.joinToken(host)))

/** @returns false when somebody else has spent it, or it has ended */
export const spendJoinToken = async (store: Store, host: HostId): Promise<boolean> =>
  (await store.del(keys.joinToken(host))) === 1

/** From here on the certificates of an earlier enrolment of the host count no more. */
export async function enrol(store: Store, { host, enrolment }: HostIdentity): Promise<void> {
  await store.hset(keys.enrolments, host, enrolment)
}

/** From here on no certificate of the host counts, and no token that was made for it. @returns false when none did */
export async function endEnrolment(store: Store, host: HostId): Promise<boolean> {
  const ended = await store.multi().hdel(keys.enrolments, host).del(keys.joinToken(host)).exec()
  return ended?.[0]?.[1] === 1
}

export const isEnrolled = async (store: Store, { host, enrolment }: HostIdentity): Promise<boolean> =>
  (await store.hget(keys.enrolments, host)) === enrolment

export const hasEnrolled = async (store: Store, host: HostId): Promise<boolean> =>
  (await store.hexists(keys.enrolments, host)) === 1
