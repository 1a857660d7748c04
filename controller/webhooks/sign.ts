/** Signatures as Standard Webhooks 1.0.0 has them (standardwebhooks.com, "Signature scheme"): HMAC-SHA256, `v1`. */
import { createHmac } from 'node:crypto'
import type { AppId } from '#core/domain/ids.ts'
import type { Random } from '../credentials.ts'
import type { Sealer } from '../secrets.ts'

const PREFIX = 'whsec_'
const SECRET_BYTES = 32

/** `whsec_` lets scanners recognise a leaked one; the rest is base64 of 256 bits. */
export const makeSecret = (random: Random): string => PREFIX + Buffer.from(random(SECRET_BYTES)).toString('base64')

/**
 * The headers that say whose message it is, and when it was sent.
 * @param secrets the newest first; a receiver that knows any one of them finds its signature
 * @param at of this attempt, ms since 1970: a receiver refuses what is old, so that nothing can be sent again by others
 */
export function signatureHeaders(secrets: string[], id: string, at: number, body: string): Record<string, string> {
  const seconds = Math.floor(at / 1000)
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': secrets.map((secret) => sign(secret, id, seconds, body)).join(' '),
  }
}

export function sign(secret: string, id: string, seconds: number, body: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`
}

// The sealer binds a secret to what it belongs to; ids of webhooks and apps differ by their prefix.
export const sealSecret = (sealer: Sealer, webhookId: string, secret: string): string =>
  sealer.seal(webhookId as AppId, 'webhook secret', secret)

/** @throws when it was changed, moved, or sealed under another key */
export const openSecret = (sealer: Sealer, webhookId: string, sealed: string): string =>
  sealer.open(webhookId as AppId, 'webhook secret', sealed)
