/**
 * The controller's own certificate authority, for its hosts' agents and for its listener for them, and for nothing else. Its
 * key is made at the first start and stays on this machine, and in backups.
 */
import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import { CONTROLLER_NAME } from '#core/contract/enrolment.ts'
import { nameOfAgent, type HostIdentity } from '#core/domain/agent-access.ts'
import { badRequest } from '#core/domain/errors.ts'
import type { Pair } from '#core/runtime/certificate-vault.ts'
import {
  certificateAuthority,
  certify,
  endEntity,
  forHosts,
  forUri,
  ofClients,
  ofServers,
} from '../certificates/certify.ts'
import { makeKey } from '../certificates/request.ts'
import type { Random } from '../credentials.ts'
import { readIfThere, writeOnce } from '../files.ts'

export type Authority = {
  /** In PEM. */
  certificate: string
  /** The SHA-256 of it in DER, in hex. */
  fingerprint: string
  /**
   * A certificate for an agent, in PEM.
   * @param publicKey SPKI in PEM @throws BAD_REQUEST when it is not one of EC P-256
   */
  certifyAgent(identity: HostIdentity, publicKey: string, until: number): string
  /** Key and certificate of the listener for agents. */
  certifyListener(until: number): Promise<Pair>
}

type Given = { random: Random; now: () => number }

export const AUTHORITY_FILE = 'agents-authority'
const NAME = 'Berth, authority of hosts'
const YEARS_MS = 20 * 365 * 24 * 3600_000
/** For clocks of hosts that are behind. */
const BACKDATED_MS = 10 * 60_000
const SERIAL_BYTES = 16

/** Reads the authority from its file (key and certificate, 0600), or makes one at the first start. */
export async function loadAuthority(path: string, given: Given): Promise<Authority> {
  if ((await readIfThere(path)) === null) await writeOnce(path, await makeAuthority(given))
  return openAuthority(((await readIfThere(path)) ?? '').toString(), path, given)
}

async function makeAuthority({ random, now }: Given): Promise<string> {
  const key = await makeKey()
  const certificate = certify({
    by: { key, name: NAME },
    name: NAME,
    publicKey: key,
    serial: random(SERIAL_BYTES),
    notBefore: now() - BACKDATED_MS,
    notAfter: now() + YEARS_MS,
    extensions: certificateAuthority(),
  })
  return key + certificate
}

function openAuthority(text: string, path: string, { random, now }: Given): Authority {
  const { key, certificate } = readAuthority(text, path)
  const issue = (name: string, publicKey: string | KeyObject, notAfter: number, extensions: Buffer[]) =>
    certify({
      by: { key, name: NAME },
      name,
      publicKey,
      serial: random(SERIAL_BYTES),
      notBefore: now() - BACKDATED_MS,
      notAfter,
      extensions: [endEntity(), ...extensions],
    })
  return {
    certificate: certificate.toString(),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    certifyAgent: (identity, publicKey, until) =>
      issue(identity.host, readPublicKey(publicKey), until, [forUri(nameOfAgent(identity)), ofClients()]),
    async certifyListener(until) {
      const own = await makeKey()
      return { chain: issue(CONTROLLER_NAME, own, until, [forHosts([CONTROLLER_NAME]), ofServers()]), key: own }
    },
  }
}

function readAuthority(text: string, path: string): { key: string; certificate: X509Certificate } {
  try {
    const key = createPrivateKey(text)
    const certificate = new X509Certificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE-----')))
    if (!certificate.checkPrivateKey(key)) throw new Error('they do not belong together')
    return { key: key.export({ type: 'pkcs8', format: 'pem' }).toString(), certificate }
  } catch {
    // The library's sentence could quote the key.
    throw new Error(
      `${path} must hold the key and the certificate of the authority of hosts. Put the right file back from your backup; without it, remove the file, and add each host again (docs/hosts.md).`,
    )
  }
}

/** Whoever had somebody else's key certified could not use it: TLS asks for the private half. */
function readPublicKey(pem: string): KeyObject {
  const key = publicKeyIn(pem)
  if (key?.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  throw badRequest('publicKey must be a public key of EC P-256, as SPKI in PEM')
}

/** OpenSSL makes a public key of a private one, too, which nobody may send us. */
function publicKeyIn(pem: string): KeyObject | null {
  if (!pem.startsWith('-----BEGIN PUBLIC KEY-----')) return null
  try {
    return createPublicKey(pem)
  } catch {
    return null
  }
}
