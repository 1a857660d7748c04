/** Certificates of our own making (RFC 5280), for EC P-256 keys, signed by one. */
import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import * as der from './der.ts'

const ids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
}

export type Wish = {
  /** The signer's private key, in PEM, and its name. */
  by: { key: string; name: string }
  /** Whom it is for. */
  name: string
  /** In PEM; of a private key, its public half. */
  publicKey: string | KeyObject
  /** At least 8 random bytes. */
  serial: Uint8Array
  /** ms since 1970 */
  notBefore: number
  notAfter: number
  extensions: Buffer[]
}

/** @returns the certificate in PEM */
export function certify({ by, name, publicKey, serial, notBefore, notAfter, extensions }: Wish): string {
  const content = der.sequence(
    der.tagged(0, der.integer(Buffer.from([2]))),
    der.integer(serial),
    algorithm(),
    named(by.name),
    der.sequence(der.time(notBefore), der.time(notAfter)),
    named(name),
    spkiOf(publicKey),
    der.tagged(3, der.sequence(...extensions)),
  )
  return der.toPem('CERTIFICATE', signed(content, by.key))
}

/** Content with its signature, as certificates and requests for them are. */
export const signed = (content: Buffer, key: string): Buffer =>
  der.sequence(content, algorithm(), der.bits(sign('sha256', content, createPrivateKey(key))))

export const spkiOf = (key: string | KeyObject): Buffer =>
  (typeof key === 'string' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' })

const algorithm = () => der.sequence(der.identifier(ids.ecdsaWithSha256))

/** 64 letters at most (RFC 5280, ub-common-name). */
const named = (name: string): Buffer =>
  der.sequence(der.set(der.sequence(der.identifier(ids.commonName), der.utf8(name.slice(0, 64)))))

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  der.sequence(der.identifier(id), ...(critical ? [der.yes()] : []), der.octets(value))

const altNames = (tag: number, names: string[]): Buffer =>
  extension(ids.subjectAltName, der.sequence(...names.map((name) => der.implicit(tag, Buffer.from(name)))))

/** dNSName is [2], uniformResourceIdentifier [6] in GeneralName (RFC 5280 §4.2.1.6), both IA5String. */
export const forHosts = (names: string[]): Buffer => altNames(2, names)
export const forUri = (uri: string): Buffer => altNames(6, [uri])

export const endEntity = (): Buffer => extension(ids.basicConstraints, der.sequence(), true)
/** Of end entities alone (pathLenConstraint 0), and for signing them alone: keyCertSign is bit 5 of 6. */
export const certificateAuthority = (): Buffer[] => [
  extension(ids.basicConstraints, der.sequence(der.yes(), der.integer(Buffer.from([0]))), true),
  extension(ids.keyUsage, Buffer.from([0x03, 0x02, 0x02, 0x04]), true),
]
export const ofServers = (): Buffer => usage(ids.serverAuth)
export const ofClients = (): Buffer => usage(ids.clientAuth)
const usage = (id: string) => extension(ids.extendedKeyUsage, der.sequence(der.identifier(id)))
