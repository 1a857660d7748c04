/**
 * Passwords at rest: Argon2id (RFC 9106) by Node itself, with OWASP's least parameters (m = 19 MiB, t = 2, p = 1), written as
 * a PHC string, so that each hash says by which parameters it was made and stronger ones can come later.
 */
import { argon2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { busySigningIn } from '#core/domain/access-errors.ts'
import { MAX_PASSWORD_BYTES } from '#core/domain/user.ts'
import type { Random } from '../credentials.ts'

export type Passwords = {
  hash(password: string): Promise<string>
  /**
   * Takes as long for nobody's password as for somebody's.
   * @param stored null: there is no such account, or it has no password
   * @throws BUSY when too many wait already
   */
  verify(password: string, stored: string | null): Promise<{ right: boolean; isOutdated: boolean }>
}

/** RFC 9106 §3.1: memory in KiB. */
export type Parameters = { memory: number; passes: number; parallelism: number }

const OWASPS_LEAST: Parameters = { memory: 19_456, passes: 2, parallelism: 1 }
const SALT_BYTES = 16
const TAG_BYTES = 32
/** Each takes a core and 19 MiB for some 50 ms; more at once would starve what else the controller does. */
const AT_ONCE = 2
const MOST_WAITING = 40

const derive = promisify(argon2)

/** @param current what a new hash is made by, and an older one is measured against */
export function createPasswords(random: Random, current = OWASPS_LEAST): Passwords {
  const slots = createSlots(AT_ONCE, MOST_WAITING)
  const tagOf = (password: string, nonce: Uint8Array, { memory, passes, parallelism }: Parameters) =>
    slots(() => derive('argon2id', { message: password, nonce, memory, passes, parallelism, tagLength: TAG_BYTES }))
  /** Nobody's: what an unknown account's attempt is compared with. */
  const decoy = { parameters: current, salt: random(SALT_BYTES), tag: Buffer.alloc(TAG_BYTES) }

  return {
    async hash(password) {
      const salt = random(SALT_BYTES)
      return write(current, salt, await tagOf(password, salt, current))
    },
    async verify(password, stored) {
      const known = stored === null ? null : read(stored)
      const { parameters, salt, tag } = known ?? decoy
      // The schema bounds it already; a longer one would be slow on purpose.
      const text = Buffer.byteLength(password) > MAX_PASSWORD_BYTES ? '' : password
      const same = timingSafeEqual(await tagOf(text, salt, parameters), tag)
      return { right: known !== null && same && text !== '', isOutdated: !isSame(parameters, current) }
    },
  }
}

const isSame = (one: Parameters, other: Parameters): boolean =>
  one.memory === other.memory && one.passes === other.passes && one.parallelism === other.parallelism

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

const write = ({ memory, passes, parallelism }: Parameters, salt: Uint8Array, tag: Uint8Array): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`

/** @throws for what is not a hash of ours: the record is damaged */
function read(stored: string): { parameters: Parameters; salt: Uint8Array; tag: Buffer } {
  const [, memory, passes, parallelism, salt = '', tag = ''] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]{43})$/.exec(stored) ?? []
  if (memory === undefined) throw new Error('a password hash in the store is damaged')
  return {
    parameters: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

/** Lets `most` run at once, in the order in which they came. @throws BUSY beyond `mostWaiting` */
function createSlots(most: number, mostWaiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= most) {
      if (waiting.length >= mostWaiting) throw busySigningIn()
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
