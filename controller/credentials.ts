/** API tokens: `berth_<id>_<secret>`. The secret has 256 bits, is shown once, and only its SHA-256 is stored. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { makeId, type TokenId } from '#core/domain/ids.ts'
import type { Store } from '#core/store/connection.ts'
import { loadToken, type TokenRecord } from '#core/store/tokens.ts'

export type Random = (bytes: number) => Uint8Array

/** The prefix lets scanners recognise a leaked token. */
const TOKEN = /^berth_(t-[a-z2-7]{13})_([0-9a-f]{64})$/

export function makeToken(random: Random): { id: TokenId; text: string; secretHash: string } {
  const id = makeId('t', random(13)) as TokenId
  const secret = Buffer.from(random(32)).toString('hex')
  return { id, text: `berth_${id}_${secret}`, secretHash: hash(secret).toString('hex') }
}

export function parseToken(text: string): { id: TokenId; secretHash: string } | null {
  const [, id, secret] = TOKEN.exec(text) ?? []
  return id === undefined || secret === undefined
    ? null
    : { id: id as TokenId, secretHash: hash(secret).toString('hex') }
}

const NOBODY = { id: 't-nobody' as TokenId, secretHash: hash('').toString('hex') }
const NO_HASH = '0'.repeat(64)

/**
 * Looks a token up. A malformed, an unknown and a wrong one cost the same look-up and the same comparison, so that the
 * time of the answer tells nothing either. One that has expired is like one that never was.
 */
export async function verifyToken(store: Store, text: string, now: number): Promise<TokenRecord | null> {
  const parsed = parseToken(text)
  const { id, secretHash } = parsed ?? NOBODY
  const record = await loadToken(store, id)
  const same = timingSafeEqual(Buffer.from(record?.secretHash ?? NO_HASH, 'hex'), Buffer.from(secretHash, 'hex'))
  const isOver = record !== null && record.expiresAt !== null && record.expiresAt <= now
  return parsed !== null && same && !isOver ? record : null
}

function hash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
