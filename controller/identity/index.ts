/** What signing in works with. Made once per controller. */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import type { Random } from '../credentials.ts'
import type { Callers } from './callers.ts'
import { createPasswords, type Parameters, type Passwords } from './passwords.ts'
import { createThrottle, type Throttle } from './throttle.ts'
import { createWatch, type Watch } from './watch.ts'

export type Identity = {
  callers: Callers
  passwords: Passwords
  throttle: Throttle
  watch: Watch
  /** By address, on this controller: whoever sends wrong tokens must not be able to keep Redis busy by it. */
  wrongTokens: RateLimiterMemory
}

type Given = {
  wrongTokensPerMinute?: number
  /** How much work a password's hash is; left out: as much as OWASP asks. */
  hashing?: Parameters
}

const WRONG_TOKENS_A_MINUTE = 60

export function createIdentity(
  { store, config, log, random, now }: { store: Store; config: Config; log: Log; random: Random; now: () => number },
  { wrongTokensPerMinute = WRONG_TOKENS_A_MINUTE, hashing }: Given = {},
): Identity {
  const callers = { store, config, now }
  return {
    callers,
    passwords: createPasswords(random, hashing),
    throttle: createThrottle(store),
    watch: createWatch(callers, log),
    wrongTokens: new RateLimiterMemory({ points: wrongTokensPerMinute, duration: 60 }),
  }
}
