/** Certificates, their sealed secrets, and what routers and authorities are told meanwhile. Nothing here is readable without the key. */
import type { Certificate, Standing } from '../domain/certificate.ts'
import { announce, pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

const certificateKeys = [keys.certificates, keys.certificateSecrets, keys.certificateChanges, keys.certificatesVersion]

/** @param sealed chain and key */
export async function addCertificate(store: Store, certificate: Certificate, sealed: string): Promise<void> {
  await store.putCertificate(...certificateKeys, certificate.id, pack(certificate), sealed)
  await announce(store, 'certificates')
}

/** Changes whose it is and what it is served for. A certificate that was removed meanwhile stays removed. */
export async function changeCertificate(store: Store, certificate: Certificate): Promise<void> {
  await store.putCertificate(...certificateKeys, certificate.id, pack(certificate), '')
  await announce(store, 'certificates')
}

/** @returns false when there was none */
export async function removeCertificate(store: Store, id: string): Promise<boolean> {
  const removed = (await store.removeCertificate(...certificateKeys, id)) !== 0
  if (removed) await announce(store, 'certificates')
  return removed
}

export const loadCertificate = async (store: Store, id: string): Promise<Certificate | null> =>
  unpack<Certificate>(await store.hget(keys.certificates, id))

export async function loadCertificates(store: Store): Promise<Certificate[]> {
  const rows = await store.hvals(keys.certificates)
  return rows.map((row) => unpack<Certificate>(row)).filter((certificate) => certificate !== null)
}

/** In the order of `ids`; null where there is none. */
export const loadCertificateSecrets = async (store: Store, ids: string[]): Promise<(string | null)[]> =>
  ids.length === 0 ? [] : store.hmget(keys.certificateSecrets, ...ids)

/** The version of what routers need for TLS; 0 before the first change. */
export const loadCertificatesVersion = async (store: Store): Promise<number> =>
  Number((await store.get(keys.certificatesVersion)) ?? '0')

export type CertificateChange = { id: string; version: number; certificate: Certificate | null }

/**
 * What changed after a version, oldest first; a null was removed.
 * @param most how many to return; fewer than that means that there are no more
 */
export async function loadCertificateChanges(store: Store, after: number, most: number): Promise<CertificateChange[]> {
  const range = await store.zrangebyscore(keys.certificateChanges, `(${after}`, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  const ids = range.filter((_, index) => index % 2 === 0)
  if (ids.length === 0) return []
  const records = await store.hmget(keys.certificates, ...ids)
  return ids.map((id, index) => ({
    id,
    version: Number(range[index * 2 + 1]),
    certificate: unpack<Certificate>(records[index]),
  }))
}

/** A router says from which version it serves. */
export async function sawCertificates(store: Store, routerId: string, version: number): Promise<void> {
  await store.hset(keys.certificatesSeen, routerId, version)
}

export async function forgetSeen(store: Store, routerIds: string[]): Promise<void> {
  if (routerIds.length > 0) await store.hdel(keys.certificatesSeen, ...routerIds)
}

/** router → version */
export async function loadSeen(store: Store): Promise<Map<string, number>> {
  const rows = Object.entries(await store.hgetall(keys.certificatesSeen))
  return new Map(rows.map(([id, version]) => [id, Number(version)]))
}

export async function loadStandings(store: Store): Promise<Map<string, Standing>> {
  const rows = Object.entries(await store.hgetall(keys.certificateOrders))
  return new Map(rows.flatMap(([host, row]) => entryOf(host, unpack<Standing>(row))))
}

const entryOf = <T>(key: string, value: T | null): [string, T][] => (value === null ? [] : [[key, value]])

export const loadStanding = async (store: Store, host: string): Promise<Standing | null> =>
  unpack<Standing>(await store.hget(keys.certificateOrders, host))

export async function saveStanding(store: Store, standing: Standing): Promise<void> {
  await store.hset(keys.certificateOrders, standing.host, pack(standing))
}

export async function removeStanding(store: Store, host: string): Promise<void> {
  await store.hdel(keys.certificateOrders, host)
}

/** What `http://HOST/.well-known/acme-challenge/TOKEN` is answered with (RFC 8555 §8.3). */
export type Challenge = { host: string; token: string; answer: string; expiresAt: number }

/** @returns the version from which on a router knows it */
export async function putChallenge(store: Store, challenge: Challenge): Promise<number> {
  await store.hset(keys.acmeChallenges, challenge.token, pack(challenge))
  const version = (await store.raiseCertificates(keys.certificatesVersion)) as number
  await announce(store, 'certificates')
  return version
}

/** Routers forget them with the next change; a token that stays known for a while harms nobody. */
export async function removeChallenges(store: Store, tokens: string[]): Promise<void> {
  if (tokens.length > 0) await store.hdel(keys.acmeChallenges, ...tokens)
}

export async function loadChallenges(store: Store): Promise<Challenge[]> {
  const rows = await store.hvals(keys.acmeChallenges)
  return rows.map((row) => unpack<Challenge>(row)).filter((challenge) => challenge !== null)
}

/** Who we are to an authority: `sealedKey` is the account's private key. */
export type AcmeAccount = { url: string; sealedKey: string }

export const loadAcmeAccount = async (store: Store, directory: string): Promise<AcmeAccount | null> =>
  unpack<AcmeAccount>(await store.hget(keys.acmeAccounts, directory))

export async function saveAcmeAccount(store: Store, directory: string, account: AcmeAccount): Promise<void> {
  await store.hset(keys.acmeAccounts, directory, pack(account))
}

export async function removeAcmeAccount(store: Store, directory: string): Promise<void> {
  await store.hdel(keys.acmeAccounts, directory)
}

/** The key under which all routers seal session tickets (RFC 5077), itself sealed; and since when. */
export type TicketKey = { sealed: string; since: number }

export const loadTicketKey = async (store: Store): Promise<TicketKey | null> =>
  unpack<TicketKey>(await store.get(keys.ticketKey))

/** The one before is overwritten: what was sealed under it can never be opened again. */
export async function saveTicketKey(store: Store, key: TicketKey): Promise<void> {
  await store.set(keys.ticketKey, pack(key))
  await store.raiseCertificates(keys.certificatesVersion)
  await announce(store, 'certificates')
}
