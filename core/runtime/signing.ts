/** Signatures under a key whose public half others hold: Ed25519 (RFC 8032). */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'

/** @returns a new private key as PEM (PKCS #8) */
export const makeSigningKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** @throws where the text is no Ed25519 private key */
export function readSigningKey(pem: string): KeyObject {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`a key of the kind ${key.asymmetricKeyType ?? 'none'}`)
  return key
}

/** What others need to check signatures, as PEM (SPKI). @param key the private one */
export const publicHalf = (key: KeyObject): string =>
  createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()

/** @throws where the text is no Ed25519 public key */
export function readPublicKey(pem: string): KeyObject {
  const key = createPublicKey(pem)
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`a key of the kind ${key.asymmetricKeyType ?? 'none'}`)
  return key
}

/** A signature for one use is worth nothing for another. */
const bytesOf = (use: string, text: string) => Buffer.from(`${use}\0${text}`)

/** @param use what is signed, like `berth job 1`. @returns base64url */
export const signText = (key: KeyObject, use: string, text: string): string =>
  sign(null, bytesOf(use, text), key).toString('base64url')

export function isSigned(key: KeyObject, use: string, text: string, signature: string): boolean {
  return verify(null, bytesOf(use, text), key, Buffer.from(signature, 'base64url'))
}
