/** What people do with certificates: bring one, take one away, ask for another try. */
import { ASKED_RETRY_MS, type Certificate, type Standing } from '#core/domain/certificate.ts'
import { badRequest, certificateRefused, notFound } from '#core/domain/errors.ts'
import { makeId } from '#core/domain/ids.ts'
import type { App } from '#core/domain/app.ts'
import type { CertificateVault, Pair } from '#core/runtime/certificate-vault.ts'
import type { Log } from '#core/runtime/log.ts'
import {
  addCertificate,
  loadCertificates,
  loadStanding,
  removeCertificate,
  saveStanding,
} from '#core/store/certificates.ts'
import type { Store } from '#core/store/connection.ts'
import type { Random } from '../credentials.ts'
import { readPair } from './read.ts'

export type ManageContext = {
  store: Store
  log: Log
  vault: CertificateVault
  random: Random
  now: () => number
}

const MOST_OF_AN_APP = 100

/**
 * Takes a certificate that somebody brings. Earlier ones of the same owner that serve nothing more than it does are
 * replaced: whoever brings a new one does not want the old one served, perhaps because its key is known to others.
 * @param owner null: the platform
 * @param hosts of the owner
 * @throws CERTIFICATE_REFUSED
 */
export async function bringCertificate(
  { store, log, vault, random, now }: ManageContext,
  { owner, given, hosts, actor }: { owner: App | null; given: Pair; hosts: string[]; actor: string },
): Promise<{ certificate: Certificate; replaced: string[] }> {
  const { pair, facts } = readPair(given, hosts, now())
  const certificate: Certificate = {
    ...facts,
    id: makeId('c', random(13)),
    appId: owner?.id ?? null,
    tenantId: owner?.tenantId ?? null,
    source: 'uploaded',
    addedAt: now(),
    addedBy: actor,
  }
  const others = (await loadCertificates(store)).filter(
    ({ appId, source }) => appId === certificate.appId && source !== 'acme',
  )
  const replaced = others.filter((other) => other.hosts.every((host) => certificate.hosts.includes(host)))
  if (others.length - replaced.length >= MOST_OF_AN_APP)
    throw certificateRefused(`There are ${MOST_OF_AN_APP} certificates here already. Remove one: berth certs:remove.`)
  await addCertificate(store, certificate, vault.sealPair(certificate.id, pair))
  for (const { id } of replaced) await removeCertificate(store, id)
  log.info('certificate added', { certificate: certificate.id, appId: certificate.appId, hosts: facts.hosts, actor })
  return { certificate, replaced: replaced.map(({ id }) => id) }
}

/** @throws NOT_FOUND, BAD_REQUEST for one that would only be issued again */
export async function takeAway({ store, log }: ManageContext, certificate: Certificate, actor: string): Promise<void> {
  if (certificate.source === 'acme' && certificate.hosts.length > 0)
    throw badRequest(
      `${certificate.id} is issued automatically for ${certificate.hosts.join(', ')} and goes with the domain. Remove that, or add a certificate of your own: it is preferred.`,
    )
  if (!(await removeCertificate(store, certificate.id))) throw notFound('certificate', certificate.id)
  log.info('certificate removed', { certificate: certificate.id, appId: certificate.appId, actor })
}

/**
 * Has an authority asked now about a host that failed, e.g. since its DNS was put right. A pause that the authority itself
 * asked for cannot be told from ours here, so the next try comes at once and the authority has the last word.
 * @throws BAD_REQUEST when there is nothing to try, or it was tried just now
 */
export async function tryAgain({ store, now }: ManageContext, host: string): Promise<Standing> {
  const standing = await loadStanding(store, host)
  if (standing?.problem == null) throw badRequest(`Nothing has failed for ${JSON.stringify(host)}.`)
  const waitMs = standing.problem.at + ASKED_RETRY_MS - now()
  if (waitMs > 0)
    throw badRequest(
      `${host} was tried ${Math.round((ASKED_RETRY_MS - waitMs) / 1000)} s ago. Authorities limit failures, so wait ${Math.ceil(waitMs / 1000)} s.`,
    )
  const again = { ...standing, nextAt: now() }
  await saveStanding(store, again)
  return again
}
