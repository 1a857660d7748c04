/**
 * Slows down whoever guesses passwords and codes: by account, by address, and by both together. The first failures are free;
 * from then on each further attempt has to wait twice as long as the one before. An attempt counts when it begins, so that
 * many at once are counted like one after the other.
 */
import { createHash } from 'node:crypto'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { tooManyAttempts } from '#core/domain/access-errors.ts'
import type { Store } from '#core/store/connection.ts'

export type Throttle = {
  /**
   * @param account what is being guessed at, whether it exists or not
   * @returns what to call when the attempt was right, or was none
   * @throws TOO_MANY_ATTEMPTS
   */
  attempt(account: string, address: string): Promise<{ forgive(): Promise<void> }>
}

type Rule = { name: string; free: number; longestSeconds: number; forgiven: 'all' | 'one' }

/** The pair is strict, since it is one person or one attacker; an account alone is not, or strangers could lock its owner out. */
const rules = {
  pair: { name: 'pair', free: 5, longestSeconds: 3600, forgiven: 'all' },
  account: { name: 'account', free: 30, longestSeconds: 300, forgiven: 'all' },
  // Who has an account of one's own must not be able to wash the address clean with it.
  address: { name: 'address', free: 60, longestSeconds: 900, forgiven: 'one' },
} satisfies Record<string, Rule>

const FIRST_WAIT_SECONDS = 5
const REMEMBERED_SECONDS = 86_400

export function createThrottle(store: Store): Throttle {
  const limits = {
    pair: createLimit(store, rules.pair),
    account: createLimit(store, rules.account),
    address: createLimit(store, rules.address),
  }
  return {
    async attempt(account, address) {
      const who = hash(account)
      const network = networkOf(address)
      const taken = [
        limits.pair.bind(null, `${who}:${network}`),
        limits.account.bind(null, who),
        limits.address.bind(null, network),
      ]
      const forgivings: (() => Promise<void>)[] = []
      for (const take of taken) forgivings.push(await take())
      return {
        forgive: async () => {
          for (const forgive of forgivings) await forgive()
        },
      }
    },
  }
}

type Limit = (key: string) => Promise<() => Promise<void>>

function createLimit(store: Store, { name, free, longestSeconds, forgiven }: Rule): Limit {
  const failures = new RateLimiterRedis({
    storeClient: store,
    keyPrefix: `berth:attempts:${name}`,
    points: Number.MAX_SAFE_INTEGER,
    duration: REMEMBERED_SECONDS,
  })
  const waits = new RateLimiterRedis({
    storeClient: store,
    keyPrefix: `berth:attempts-wait:${name}`,
    points: 1,
    duration: longestSeconds,
  })
  return async (key) => {
    const { consumedPoints } = await failures.penalty(key, 1)
    const excess = consumedPoints - free
    if (excess > 0) await wait(waits, key, Math.min(FIRST_WAIT_SECONDS * 2 ** Math.min(excess - 1, 20), longestSeconds))
    return async () => {
      if (forgiven === 'one') await failures.reward(key, 1)
      else await Promise.all([failures.delete(key), waits.delete(key)])
    }
  }
}

/** One attempt passes, and no other until the time is over. @throws TOO_MANY_ATTEMPTS */
async function wait(waits: RateLimiterRedis, key: string, seconds: number): Promise<void> {
  try {
    await waits.consume(key, 1, { customDuration: seconds })
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused
    throw tooManyAttempts(Math.max(1, Math.ceil(refused.msBeforeNext / 1000)))
  }
}

/** An account's name is somebody's input, and no part of a key. */
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)

/** One household or server has a whole /64 of IPv6 addresses (RFC 6177). */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join('.')
}
