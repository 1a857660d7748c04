/** Reads a certificate and its private key as people give them, and says what is wrong with them in people's words. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { isHostPattern, isValidAt, servedHosts, type Certificate } from '#core/domain/certificate.ts'
import { certificateRefused, messageOf } from '#core/domain/errors.ts'
import type { Pair } from '#core/runtime/certificate-vault.ts'

export type Facts = Pick<
  Certificate,
  'names' | 'hosts' | 'issuer' | 'serial' | 'fingerprint' | 'keyType' | 'notBefore' | 'notAfter'
>

const MAX_CHAIN = 10
const MAX_NAMES = 500
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

/**
 * @param given PEM; the server's certificate first, then whoever issued it, and so on; the root may be left out
 * @param hosts that it may be served for
 * @returns what routers need, and what the certificate says; `facts.hosts` are those of `hosts` that it covers
 * @throws CERTIFICATE_REFUSED with a sentence that names the first thing that is wrong
 */
export function readPair(given: Pair, hosts: string[], now: number): { pair: Pair; facts: Facts } {
  const chain = readChain(given.chain)
  const key = readKey(given.key)
  const leaf = chain[0] as X509Certificate
  checkMatch(chain, key)
  checkOrder(chain)
  for (const [index, certificate] of chain.entries()) checkDates(certificate, index, now)
  checkPurpose(leaf)
  const names = namesOf(leaf)
  const served = servedHosts(names, hosts)
  if (served.length === 0)
    throw certificateRefused(
      `The certificate is for ${list(names)}, and none of the hosts here is among them: ${list(hosts)}. Add the domain first, or get a certificate for one of these.`,
    )
  const pair = {
    chain: chain.map((certificate) => certificate.toString().trim() + '\n').join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
  checkUsable(pair)
  return { pair, facts: { ...factsOf(leaf, key), names, hosts: served } }
}

function readChain(text: string): X509Certificate[] {
  if (text.includes('PRIVATE KEY-----') && !text.includes('BEGIN CERTIFICATE'))
    throw certificateRefused('The certificate file holds a private key. Are the two files the wrong way round?')
  const blocks = text.match(BLOCK) ?? []
  if (blocks.length === 0)
    throw certificateRefused(
      'There is no certificate in PEM (-----BEGIN CERTIFICATE-----) in the certificate file. One in DER becomes PEM by: openssl x509 -inform der -in FILE',
    )
  if (blocks.length > MAX_CHAIN)
    throw certificateRefused(
      `The certificate file holds ${blocks.length} certificates; ${MAX_CHAIN} is the most. It should hold the server's and its intermediates, not a bundle of authorities.`,
    )
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch (error) {
      throw certificateRefused(`${nth(index)} in the file cannot be read (${messageOf(error)}). Is the file whole?`)
    }
  })
}

function readKey(text: string): KeyObject {
  if (/BEGIN ENCRYPTED|ENCRYPTED$/m.test(text))
    throw certificateRefused(
      'The private key is protected by a passphrase, which nobody can type at a router. Take it off with: openssl pkey -in FILE -out NEW',
    )
  if (!text.includes('PRIVATE KEY-----'))
    throw certificateRefused(
      'There is no private key in PEM (-----BEGIN PRIVATE KEY-----) in the key file. One in DER becomes PEM by: openssl pkey -inform der -in FILE',
    )
  let key: KeyObject
  try {
    key = createPrivateKey(text)
  } catch {
    // The library's sentence could quote the key.
    throw certificateRefused('The private key cannot be read. Is the file whole?')
  }
  checkKind(key)
  return key
}

/** What browsers accept, and no more work for a router than that needs. */
function checkKind(key: KeyObject): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  const bits = details?.modulusLength ?? 0
  const isGood =
    type === 'rsa'
      ? bits >= 2048 && bits <= 4096
      : type === 'ec' && ['prime256v1', 'secp384r1'].includes(details?.namedCurve ?? '')
  if (!isGood)
    throw certificateRefused(
      `The private key is ${describeKey(key)}. Browsers and routers take EC P-256 or P-384, or RSA with 2048 to 4096 bits.`,
    )
}

function checkMatch(chain: X509Certificate[], key: KeyObject): void {
  const at = chain.findIndex((certificate) => certificate.checkPrivateKey(key))
  if (at === 0) return
  if (at > 0)
    throw certificateRefused(
      `The private key belongs to ${lower(nth(at))} in the file. The server's certificate must be the first, then whoever issued it.`,
    )
  throw certificateRefused(
    `The private key does not belong to the certificate for ${list(namesIn(chain[0] as X509Certificate))}. Give the key that it was requested with.`,
  )
}

function checkOrder(chain: X509Certificate[]): void {
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1]
    if (issuer === undefined || (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))) continue
    const elsewhere = chain.findIndex((other) => other !== certificate && certificate.checkIssued(other))
    throw certificateRefused(
      `${nth(index)} in the file was issued by "${line(certificate.issuer)}", but the next one is "${line(issuer.subject)}".` +
        (elsewhere === -1
          ? ' Put its issuer there, or leave out what does not belong to it.'
          : ` Its issuer is ${lower(nth(elsewhere))}: put them in order, each before its issuer.`),
    )
  }
}

function checkDates(certificate: X509Certificate, index: number, now: number): void {
  const what = index === 0 ? 'The certificate' : `${nth(index)} in the file ("${line(certificate.subject)}")`
  const { notBefore, notAfter } = datesOf(certificate)
  if (now >= notAfter) throw certificateRefused(`${what} expired on ${day(notAfter)}. Get a new one.`)
  if (!isValidAt({ notBefore, notAfter }, now))
    throw certificateRefused(`${what} is not valid before ${new Date(notBefore).toISOString()}.`)
}

function checkPurpose(leaf: X509Certificate): void {
  // Extended usages, which Node calls keyUsage; without any, all are allowed (RFC 5280 §4.2.1.12).
  const usages = leaf.keyUsage as string[] | undefined
  if (usages !== undefined && usages.length > 0 && !usages.includes(SERVER_AUTH))
    throw certificateRefused(
      'The certificate is not one for servers: its extended key usage lacks "TLS Web Server Authentication".',
    )
}

/** @throws CERTIFICATE_REFUSED when there are none */
function namesOf(leaf: X509Certificate): string[] {
  const names = namesIn(leaf)
  if (names.length === 0)
    throw certificateRefused(
      'The certificate names no host in its subjectAltName, and browsers look nowhere else. Get one that does.',
    )
  if (names.length > MAX_NAMES)
    throw certificateRefused(`The certificate is for ${names.length} names; ${MAX_NAMES} is the most.`)
  return names
}

/** `DNS:a.example, DNS:*.b.example, IP Address:…`; a name that is written otherwise is none that a client asks for. */
function namesIn(leaf: X509Certificate): string[] {
  const entries = (leaf.subjectAltName ?? '').split(', ')
  const names = entries.filter((entry) => entry.startsWith('DNS:')).map((entry) => entry.slice(4).toLowerCase())
  return [...new Set(names.filter(isHostPattern))]
}

/** OpenSSL has the last word, e.g. on signatures by SHA-1. */
function checkUsable({ chain, key }: Pair): void {
  try {
    createSecureContext({ cert: chain, key })
  } catch (error) {
    throw certificateRefused(`The certificate cannot be used for TLS: ${messageOf(error)}.`)
  }
}

const factsOf = (leaf: X509Certificate, key: KeyObject) => ({
  issuer: line(leaf.issuer),
  serial: leaf.serialNumber.toLowerCase(),
  fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
  keyType: describeKey(key),
  ...datesOf(leaf),
})

const datesOf = (certificate: X509Certificate) => ({
  notBefore: certificate.validFromDate.getTime(),
  notAfter: certificate.validToDate.getTime(),
})

const curves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

function describeKey({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  if (type === 'rsa') return `RSA ${details?.modulusLength ?? ''}`.trim()
  if (type === 'ec') return `EC ${curves[details?.namedCurve ?? ''] ?? details?.namedCurve ?? ''}`.trim()
  return (type ?? 'unknown').toUpperCase()
}

const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth']
const nth = (index: number) => `The ${ordinals[index] ?? index + 1} certificate`
const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)
/** A distinguished name, which Node writes one part a line. */
const line = (name: string) => name.split('\n').join(', ').slice(0, 200)
const day = (at: number) => new Date(at).toISOString().slice(0, 10)
const list = (names: string[]) =>
  names.length === 0
    ? 'no host'
    : names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '')
