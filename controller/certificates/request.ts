/** New keys, and what is made with them: a certificate request (RFC 2986), or a certificate that vouches for itself. */
import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { Pair } from '#core/runtime/certificate-vault.ts'
import { certify, endEntity, forHosts, ofServers, signed, spkiOf } from './certify.ts'
import * as der from './der.ts'

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'

/** An EC P-256 key as PEM: small, fast to sign with, and accepted by everyone. */
export async function makeKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** @returns a PKCS #10 request in DER. The names stand in the subjectAltName alone, where there is room for long ones. */
export function makeRequest(key: string, names: string[]): Buffer {
  const extensions = der.sequence(forHosts(names))
  const request = der.sequence(
    der.integer(Buffer.from([0])),
    der.sequence(),
    spkiOf(key),
    der.tagged(0, der.sequence(der.identifier(EXTENSION_REQUEST), der.set(extensions))),
  )
  return signed(request, key)
}

/**
 * @param serial at least 8 random bytes
 * @param days how long it is valid, from a day before `now`, for clocks that are behind
 */
export function makeSelfSigned(key: string, names: string[], serial: Uint8Array, now: number, days: number): Pair {
  const DAY_MS = 24 * 3600_000
  const name = `Berth, self-signed for ${names[0] ?? ''}`
  const chain = certify({
    by: { key, name },
    name,
    publicKey: key,
    serial,
    notBefore: now - DAY_MS,
    notAfter: now + days * DAY_MS,
    extensions: [forHosts(names), endEntity(), ofServers()],
  })
  return { chain, key }
}
