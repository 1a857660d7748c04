/** A second factor by time (RFC 6238: SHA-1, six digits, 30 seconds, which is what all authenticator apps know). */
import { Secret, TOTP } from 'otpauth'
import { timingSafeEqual } from 'node:crypto'
import type { UserId } from '#core/domain/ids.ts'
import type { User } from '#core/domain/user.ts'
import type { Store } from '#core/store/connection.ts'
import { changeUser, loadTotp, takeTotpStep } from '#core/store/users.ts'
import type { Random } from '../credentials.ts'
import type { Sealer } from '../secrets.ts'
import { hashSecret } from './codes.ts'

type Context = { store: Store; sealer: Sealer; random: Random; now: () => number }
type Factor = { secret: string; recovery: string[] }

const PERIOD_S = 30
/** A clock may be half a minute off either way. */
const WINDOW = 1
const SECRET_BYTES = 20
const RECOVERY_CODES = 10

const totpOf = (secret: string, label: string) =>
  new TOTP({ issuer: 'Berth', label, secret: Secret.fromBase32(secret), period: PERIOD_S })

/** Begins, or begins again. It counts only after a code has been shown. */
export async function beginTotp(context: Context, user: User): Promise<{ secret: string; uri: string }> {
  const secret = new Secret({ buffer: Uint8Array.from(context.random(SECRET_BYTES)).buffer }).base32
  await save(context, user, { secret, recovery: [] }, false)
  return { secret, uri: totpOf(secret, user.email).toString() }
}

/** @returns the recovery codes, which are shown this once; null when the code is wrong or nothing was begun */
export async function confirmTotp(context: Context, user: User, code: string): Promise<string[] | null> {
  const factor = await open(context, user.id)
  if (!factor || !(await isFresh(context, user, factor, code))) return null
  const codes = Array.from({ length: RECOVERY_CODES }, () => recoveryCode(context.random))
  await save(context, user, { ...factor, recovery: codes.map(hashSecret) }, true)
  return codes
}

/** A code of the app, or a recovery code, each of which is good once. */
export async function checkTotp(context: Context, user: User, code: string): Promise<boolean> {
  const factor = await open(context, user.id)
  if (!factor) return false
  if (/^\d{6}$/.test(code.replace(/\s/g, ''))) return isFresh(context, user, factor, code)
  const spent = hashSecret(normalise(code))
  const rest = factor.recovery.filter((hash) => !same(hash, spent))
  if (rest.length === factor.recovery.length) return false
  // Of two at once the store lets one through.
  if (!(await takeTotpStep(context.store, user.id, Number.parseInt(spent.slice(0, 12), 16), 3600))) return false
  return save(context, user, { ...factor, recovery: rest }, true)
}

export const endTotp = ({ store }: Pick<Context, 'store'>, user: User): Promise<boolean> =>
  changeUser(store, user, { totp: null })

async function isFresh({ store, now }: Context, user: User, { secret }: Factor, code: string): Promise<boolean> {
  const at = now()
  const delta = totpOf(secret, user.email).validate({ token: code.replace(/\s/g, ''), timestamp: at, window: WINDOW })
  if (delta === null) return false
  return takeTotpStep(store, user.id, Math.floor(at / 1000 / PERIOD_S) + delta, PERIOD_S * (2 * WINDOW + 2))
}

/** 80 bits in four groups that can be typed. */
const recoveryCode = (random: Random): string =>
  new Secret({ buffer: Uint8Array.from(random(10)).buffer }).base32.toLowerCase().replace(/(.{4})(?=.)/g, '$1-')

const normalise = (code: string): string => code.trim().toLowerCase().replace(/\s/g, '')

const same = (one: string, other: string): boolean =>
  timingSafeEqual(Buffer.from(one, 'hex'), Buffer.from(other, 'hex'))

async function open({ store, sealer }: Context, id: UserId): Promise<Factor | null> {
  const record = await loadTotp(store, id)
  return record && (JSON.parse(sealer.open(`user:${id}`, 'totp', record.sealed)) as Factor)
}

const save = ({ store, sealer }: Context, user: User, factor: Factor, confirmed: boolean): Promise<boolean> =>
  changeUser(store, user, {
    totp: { sealed: sealer.seal(`user:${user.id}`, 'totp', JSON.stringify(factor)), confirmed },
  })
