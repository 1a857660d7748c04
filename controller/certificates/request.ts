/** New keys, and what is made with them: a certificate request (RFC 2986), or a certificate that vouches for itself. */
import { createPrivateKey, createPublicKey, generateKeyPair, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { Pair } from '#core/runtime/certificate-vault.ts'
import * as der from './der.ts'

const ids = {
  commonName: '2.5.4.3',
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
}

/** An EC P-256 key as PEM: small, fast to sign with, and accepted by everyone. */
export async function makeKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** @returns a PKCS #10 request in DER. The names stand in the subjectAltName alone, where there is room for long ones. */
export function makeRequest(key: string, names: string[]): Buffer {
  const extensions = der.sequence(extension(ids.subjectAltName, altNames(names)))
  const request = der.sequence(
    der.integer(Buffer.from([0])),
    der.sequence(),
    publicKeyOf(key),
    der.tagged(0, der.sequence(der.identifier(ids.extensionRequest), der.set(extensions))),
  )
  return signed(request, key)
}

/**
 * @param serial at least 8 random bytes
 * @param days how long it is valid, from a day before `now`, for clocks that are behind
 */
export function makeSelfSigned(key: string, names: string[], serial: Uint8Array, now: number, days: number): Pair {
  const DAY_MS = 24 * 3600_000
  const name = der.sequence(
    der.set(
      der.sequence(der.identifier(ids.commonName), der.utf8(`Berth, self-signed for ${names[0] ?? ''}`.slice(0, 64))),
    ),
  )
  const content = der.sequence(
    der.tagged(0, der.integer(Buffer.from([2]))),
    der.integer(serial),
    algorithm(),
    name,
    der.sequence(der.time(now - DAY_MS), der.time(now + days * DAY_MS)),
    name,
    publicKeyOf(key),
    der.tagged(
      3,
      der.sequence(
        extension(ids.subjectAltName, altNames(names)),
        extension(ids.basicConstraints, der.sequence(), true),
        extension(ids.extendedKeyUsage, der.sequence(der.identifier(ids.serverAuth))),
      ),
    ),
  )
  return { chain: der.toPem('CERTIFICATE', signed(content, key)), key }
}

const algorithm = () => der.sequence(der.identifier(ids.ecdsaWithSha256))

const signed = (content: Buffer, key: string): Buffer =>
  der.sequence(content, algorithm(), der.bits(sign('sha256', content, createPrivateKey(key))))

const publicKeyOf = (key: string): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' })

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  der.sequence(der.identifier(id), ...(critical ? [der.yes()] : []), der.octets(value))

/** dNSName is [2] IA5String in GeneralName (RFC 5280 §4.2.1.6). */
const altNames = (names: string[]): Buffer => der.sequence(...names.map((name) => der.implicit(2, Buffer.from(name))))
