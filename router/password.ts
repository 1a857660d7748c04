/** Compares passwords in front of an app with what is stored of them. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { MatchPassword } from './policy.ts'

export const matchPassword: MatchPassword = ({ salt, digest }, password) => {
  const given = hash('sha256', `${salt}:${password}`, 'buffer')
  const stored = Buffer.from(digest, 'hex')
  return stored.length === given.length && timingSafeEqual(given, stored)
}
