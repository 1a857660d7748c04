/** Gets one certificate from the authority, from the account to the routers. */
import { readFile } from 'node:fs/promises'
import type { Certificate, Wanted } from '#core/domain/certificate.ts'
import { messageOf } from '#core/domain/errors.ts'
import { makeId } from '#core/domain/ids.ts'
import type { AcmeConfig } from '#core/runtime/config.ts'
import { addCertificate, loadAcmeAccount, removeAcmeAccount, saveAcmeAccount } from '#core/store/certificates.ts'
import { AcmeProblem, connectAcme, type Account, type AcmeClient } from './acme/client.ts'
import { createSend } from './acme/transport.ts'
import type { CertificateContext } from './context.ts'
import { createProve, proofKindFor } from './prove.ts'
import { readPair } from './read.ts'
import { makeKey, makeRequest } from './request.ts'

/**
 * In order: the account; a new key and a request for it; the authority's order, with its proof; the check of what came;
 * the store, from where routers fetch it.
 * @throws AcmeProblem, or whatever else failed
 */
export async function issue(
  context: CertificateContext,
  acme: AcmeConfig,
  { host, appId, tenantId }: Wanted,
  signal: AbortSignal,
): Promise<Certificate> {
  const { store, vault, log, now, random } = context
  const client = await connectAcme(acme.directory, createSend(await readFile(acme.caBundle, 'utf8')), now, signal)
  const key = await makeKey()
  const order = {
    host,
    kind: proofKindFor(host),
    request: makeRequest(key, [host]),
    prove: createProve({ store, log, now, dnsHook: acme.dnsHook }),
  }
  const chain = await withAccount(context, acme, client, signal, (account) => client.issue(account, order, signal))
  const { pair, facts } = readPair({ chain, key }, [host], now())
  const certificate: Certificate = {
    ...facts,
    id: makeId('c', random(13)),
    appId,
    tenantId,
    source: 'acme',
    addedAt: now(),
    addedBy: 'berth',
  }
  await addCertificate(store, certificate, vault.sealPair(certificate.id, pair))
  log.info('certificate issued', { host, certificate: certificate.id, issuer: certificate.issuer })
  return certificate
}

/** An account that the authority has forgotten is made anew, once. */
async function withAccount<T>(
  context: CertificateContext,
  acme: AcmeConfig,
  client: AcmeClient,
  signal: AbortSignal,
  work: (account: Account) => Promise<T>,
): Promise<T> {
  try {
    return await work(await accountAt(context, acme, client, signal))
  } catch (error) {
    if (!(error instanceof AcmeProblem) || error.kind !== 'accountDoesNotExist') throw error
    context.log.warn('the authority does not know the account, making a new one', { directory: acme.directory })
    await removeAcmeAccount(context.store, acme.directory)
    return work(await accountAt(context, acme, client, signal))
  }
}

async function accountAt(
  { store, vault, log }: CertificateContext,
  acme: AcmeConfig,
  client: AcmeClient,
  signal: AbortSignal,
): Promise<Account> {
  const what = `account ${acme.directory}`
  const stored = await loadAcmeAccount(store, acme.directory)
  if (stored !== null) return { url: stored.url, key: vault.open(what, stored.sealedKey) }
  const account = await client.register(await makeKey(), acme, signal)
  await saveAcmeAccount(store, acme.directory, { url: account.url, sealedKey: vault.seal(what, account.key) })
  log.info('account made at the authority', { directory: acme.directory, account: account.url })
  return account
}

/** The sentence for people, and how long the authority wants to be left alone. */
export function problemOf(error: unknown, directory: string): { text: string; waitMs: number | null } {
  if (!(error instanceof AcmeProblem))
    return { text: `The authority at ${new URL(directory).host} could not be asked: ${messageOf(error)}`, waitMs: null }
  if (error.kind === 'rateLimited')
    return {
      text: `The authority limits how often it is asked: ${error.message}`,
      waitMs: error.waitMs ?? RATE_LIMIT_MS,
    }
  return { text: error.message, waitMs: error.waitMs }
}

/** Where an authority says that it is asked too often, and not for how long. */
const RATE_LIMIT_MS = 3600_000
