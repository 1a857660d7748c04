/** Secrets that are shown once, and of which only a hash is kept: session ids, login codes, invitations, recovery codes. */
import { createHash } from 'node:crypto'
import type { Random } from '../credentials.ts'

/** They have 256 bits, so that a fast hash is enough: nobody can try them all. */
export function makeSecret(random: Random): { text: string; hash: string } {
  const text = Buffer.from(random(32)).toString('base64url')
  return { text, hash: hashSecret(text) }
}

export const hashSecret = (text: string): string => createHash('sha256').update(text).digest('hex')
