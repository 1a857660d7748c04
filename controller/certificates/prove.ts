/** Proves to an authority that a host is ours: by an answer of the routers, or by a DNS record that an operator's program sets. */
import { messageOf } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { forgetSeen, loadSeen, putChallenge, removeChallenges } from '#core/store/certificates.ts'
import type { Store } from '#core/store/connection.ts'
import { loadRouters } from '#core/store/routes.ts'
import { isWildcard } from '#core/domain/certificate.ts'
import { dnsValueOf } from './acme/jws.ts'
import { AcmeProblem, type Proof, type ProofKind, type Prove } from './acme/client.ts'

export type ProveContext = { store: Store; log: Log; now: () => number; dnsHook: string | null }

/** Only DNS proves a wildcard (RFC 8555 §8.3 and §8.4); for all else the routers are enough. */
export const proofKindFor = (host: string): ProofKind => (isWildcard(host) ? 'dns-01' : 'http-01')

export const createProve = (context: ProveContext): Prove => {
  const ways: Record<ProofKind, Prove> = {
    'http-01': (proof, signal) => proveByHttp(context, proof, signal),
    'dns-01': (proof, signal) => proveByDns(context, proof, signal),
  }
  return (proof, signal) => ways[proof.kind](proof, signal)
}

const CHALLENGE_MS = 10 * 60_000
const ROUTERS_MS = 10_000
const LOOK_MS = 100

/** Each router must know the answer before the authority asks, since nobody knows which one it will ask. */
async function proveByHttp({ store, log, now }: ProveContext, proof: Proof, signal: AbortSignal) {
  const { host, token, authorization } = proof
  const version = await putChallenge(store, { host, token, answer: authorization, expiresAt: now() + CHALLENGE_MS })
  const deadline = performance.now() + ROUTERS_MS
  while (!(await allRoutersKnow(store, version))) {
    signal.throwIfAborted()
    // One that hangs must not keep everyone from a certificate; the authority may well ask another.
    if (performance.now() > deadline) {
      log.warn('not all routers know the answer to a challenge', { host })
      break
    }
    await sleep(LOOK_MS, signal)
  }
  return () => removeChallenges(store, [token]).catch(() => {})
}

async function allRoutersKnow(store: Store, version: number): Promise<boolean> {
  const [routers, seen] = await Promise.all([loadRouters(store), loadSeen(store)])
  const live = new Set(routers.map(({ id }) => id))
  await forgetSeen(
    store,
    [...seen.keys()].filter((id) => !live.has(id)),
  )
  return [...live].every((id) => (seen.get(id) ?? 0) >= version)
}

const HOOK_MS = 10 * 60_000

/** Also the call to `remove` may take its time, since the certificate does not wait for it. */
async function proveByDns({ log, dnsHook }: ProveContext, proof: Proof, signal: AbortSignal) {
  const { host, authorization } = proof
  if (dnsHook === null)
    throw new AcmeProblem(
      'noDnsHook',
      `A certificate for ${host} needs a DNS record as proof, and this platform has no program that sets one. The operator names one with BERTH_ACME_DNS_HOOK; or bring a certificate: berth certs:add.`,
    )
  const call = (verb: 'add' | 'remove', signal?: AbortSignal) =>
    run(hookCommand(dnsHook, verb, host, dnsValueOf(authorization)), {
      timeoutMs: HOOK_MS,
      ...(signal ? { signal } : {}),
    })
  try {
    await call('add', signal)
  } catch (error) {
    log.warn('the DNS hook failed', { host, cause: messageOf(error) })
    throw new AcmeProblem('dnsHookFailed', `The operator's program for DNS records failed for ${host}.`)
  }
  return async () => {
    call('remove').catch((error: unknown) =>
      log.warn('the DNS hook failed to clean up', { host, cause: messageOf(error) }),
    )
    return Promise.resolve()
  }
}

/** `HOOK add|remove _acme-challenge.example.com VALUE` */
export const hookCommand = (
  hook: string,
  verb: 'add' | 'remove',
  host: string,
  value: string,
): [string, ...string[]] => [hook, verb, `_acme-challenge.${host.replace(/^\*\./, '')}`, value]
