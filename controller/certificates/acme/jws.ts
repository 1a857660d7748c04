/** Signed requests to an ACME server: JWS in its flattened form (RFC 8555 §6.2, RFC 7515), by ES256. */
import { createHash, createHmac, createPrivateKey, createPublicKey, sign } from 'node:crypto'

export type PublicJwk = { crv: string; kty: string; x: string; y: string }
export type Signed = { protected: string; payload: string; signature: string }

const base64url = (content: string | Uint8Array): string => Buffer.from(content).toString('base64url')

/**
 * @param key P-256, as PEM
 * @param header `jwk` or `kid`, `nonce` and `url`
 * @param payload null: none, which makes the request a read (POST-as-GET)
 */
export function signJws(key: string, header: object, payload: object | null): Signed {
  const head = base64url(JSON.stringify({ alg: 'ES256', ...header }))
  const body = payload === null ? '' : base64url(JSON.stringify(payload))
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), {
    key: createPrivateKey(key),
    dsaEncoding: 'ieee-p1363',
  })
  return { protected: head, payload: body, signature: base64url(signature) }
}

/** Ties a new account to one that the authority knows by other means (RFC 8555 §7.3.4). */
export function bindAccount(external: { keyId: string; hmacKey: string }, jwk: PublicJwk, url: string): Signed {
  const head = base64url(JSON.stringify({ alg: 'HS256', kid: external.keyId, url }))
  const body = base64url(JSON.stringify(jwk))
  const hmac = createHmac('sha256', Buffer.from(external.hmacKey, 'base64url')).update(`${head}.${body}`)
  return { protected: head, payload: body, signature: hmac.digest('base64url') }
}

export function publicJwkOf(key: string): PublicJwk {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' }) as PublicJwk
  // In the order of RFC 7638 §3, by which its thumbprint is taken.
  return { crv, kty, x, y }
}

/** What proves that a challenge was answered by the account's owner (RFC 8555 §8.1). */
export function keyAuthorization(key: string, token: string): string {
  const thumbprint = createHash('sha256')
    .update(JSON.stringify(publicJwkOf(key)))
    .digest('base64url')
  return `${token}.${thumbprint}`
}

/** The value of the TXT record (RFC 8555 §8.4). */
export const dnsValueOf = (authorization: string): string =>
  createHash('sha256').update(authorization).digest('base64url')
