/** The ACME protocol (RFC 8555), as far as certificates for hosts need it: account, order, proof, certificate. */
import { z } from 'zod'
import { sleep } from '#core/runtime/clock.ts'
import { bindAccount, keyAuthorization, publicJwkOf, signJws } from './jws.ts'
import type { Reply, Send } from './transport.ts'

/** A refusal of the authority (RFC 8555 §6.7): its sentence is meant for people. */
export class AcmeProblem extends Error {
  /** Without `urn:ietf:params:acme:error:`. */
  readonly kind: string
  /** What it asks to wait before another try; null: nothing. */
  readonly waitMs: number | null

  constructor(kind: string, sentence: string, waitMs: number | null = null) {
    super(sentence)
    this.name = 'AcmeProblem'
    this.kind = kind
    this.waitMs = waitMs
  }
}

export type Account = { url: string; key: string }
export type ProofKind = 'http-01' | 'dns-01'
export type Proof = { kind: ProofKind; host: string; token: string; authorization: string }
/** Puts up a proof where the authority looks for it; what it returns takes it down. */
export type Prove = (proof: Proof, signal: AbortSignal) => Promise<() => Promise<void>>

export type AcmeClient = {
  /** @throws AcmeProblem */
  register(
    key: string,
    who: { email: string | null; externalAccount: { keyId: string; hmacKey: string } | null },
    signal: AbortSignal,
  ): Promise<Account>
  /**
   * The whole of an order, to its end.
   * @param request certificate request, in DER
   * @returns the chain, as PEM
   * @throws AcmeProblem
   */
  issue(
    account: Account,
    order: { host: string; kind: ProofKind; request: Buffer; prove: Prove },
    signal: AbortSignal,
  ): Promise<string>
}

const NONCE_TRIES = 8
const FIRST_LOOK_MS = 500
const SLOWEST_LOOK_MS = 10_000
/** An authority looks from several places, one after the other. */
const GIVE_UP_MS = 180_000

const directoryShape = z.object({ newNonce: z.url(), newAccount: z.url(), newOrder: z.url() })
const problemShape = z.object({
  type: z.string().optional(),
  detail: z.string().optional(),
  subproblems: z.array(z.object({ detail: z.string().optional() })).optional(),
})
const orderShape = z.object({
  status: z.string(),
  authorizations: z.array(z.url()),
  finalize: z.url(),
  certificate: z.url().optional(),
  error: problemShape.optional(),
})
const authorizationShape = z.object({
  status: z.string(),
  challenges: z.array(
    z.object({
      type: z.string(),
      url: z.url(),
      status: z.string(),
      token: z.string().optional(),
      error: problemShape.optional(),
    }),
  ),
})
type Order = z.infer<typeof orderShape>
type Authorization = z.infer<typeof authorizationShape>

/**
 * @param directory the authority's URL
 * @param now ms since 1970, for answers that name a date
 * @throws AcmeProblem
 */
export async function connectAcme(
  directory: string,
  send: Send,
  now: () => number,
  signal: AbortSignal,
): Promise<AcmeClient> {
  const urls = read(directoryShape, await send(directory, signal), now, directory)
  let nonce: string | null = null

  /** One signed request; a nonce that grew old is replaced (RFC 8555 §6.5). */
  const post = async (url: string, key: string, who: object, payload: object | null, signal: AbortSignal) => {
    for (let tries = 1; ; tries++) {
      // Taken before anything is awaited: each is good for one request, and others may be under way.
      const kept = nonce
      nonce = null
      const fresh = kept ?? nonceIn(await send(urls.newNonce, signal))
      const reply = await send(url, signal, signJws(key, { ...who, nonce: fresh, url }, payload))
      nonce = nonceIn(reply)
      if (reply.status < 400) return reply
      const problem = problemIn(reply, now, url)
      if (problem.kind !== 'badNonce' || tries >= NONCE_TRIES) throw problem
    }
  }
  const ask = ({ url: kid, key }: Account, url: string, payload: object | null, signal: AbortSignal) =>
    post(url, key, { kid }, payload, signal)

  /** Reads until `isOver`, as often as the authority wants. */
  const follow = async <T>(
    account: Account,
    url: string,
    shape: z.ZodType<T>,
    isOver: (value: T) => boolean,
    signal: AbortSignal,
  ): Promise<T> => {
    const deadline = now() + GIVE_UP_MS
    for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 1.5, SLOWEST_LOOK_MS)) {
      const reply = await ask(account, url, null, signal)
      const value = read(shape, reply, now, url)
      if (isOver(value)) return value
      if (now() > deadline) throw new AcmeProblem('timeout', 'The authority did not decide within 3 minutes.')
      await sleep(Math.min(waitIn(reply, now) ?? pauseMs, SLOWEST_LOOK_MS), signal)
      signal.throwIfAborted()
    }
  }

  const proveHost = async (
    account: Account,
    url: string,
    { host, kind, prove }: { host: string; kind: ProofKind; prove: Prove },
    signal: AbortSignal,
  ): Promise<void> => {
    const authorization = read(authorizationShape, await ask(account, url, null, signal), now, url)
    if (authorization.status === 'valid') return
    const challenge = authorization.challenges.find(({ type }) => type === kind)
    if (challenge?.token === undefined || !/^[A-Za-z0-9_-]{1,128}$/.test(challenge.token))
      throw new AcmeProblem('unsupported', `The authority offers no ${kind} challenge for ${host}.`)
    const { token } = challenge
    const takeDown = await prove({ kind, host, token, authorization: keyAuthorization(account.key, token) }, signal)
    try {
      await ask(account, challenge.url, {}, signal)
      const outcome = await follow(account, url, authorizationShape, ({ status }) => status !== 'pending', signal)
      if (outcome.status !== 'valid') throw refusalOf(outcome, host)
    } finally {
      await takeDown()
    }
  }

  return {
    async register(key, { email, externalAccount }, signal) {
      const jwk = publicJwkOf(key)
      const payload = {
        termsOfServiceAgreed: true,
        ...(email === null ? {} : { contact: [`mailto:${email}`] }),
        ...(externalAccount === null
          ? {}
          : { externalAccountBinding: bindAccount(externalAccount, jwk, urls.newAccount) }),
      }
      const reply = await post(urls.newAccount, key, { jwk }, payload, signal)
      return { url: locationIn(reply, urls.newAccount), key }
    },

    async issue(account, { host, kind, request, prove }, signal) {
      const identifiers = [{ type: 'dns', value: host }]
      const created = await ask(account, urls.newOrder, { identifiers }, signal)
      const url = locationIn(created, urls.newOrder)
      const order = read(orderShape, created, now, urls.newOrder)
      for (const authorization of order.authorizations)
        await proveHost(account, authorization, { host, kind, prove }, signal)
      const ready = await follow(account, url, orderShape, ({ status }) => status !== 'pending', signal)
      if (ready.status === 'ready') await ask(account, order.finalize, { csr: request.toString('base64url') }, signal)
      const isOver = ({ status, certificate }: Order) =>
        status === 'invalid' || (status === 'valid' && certificate !== undefined)
      const done = await follow(account, url, orderShape, isOver, signal)
      if (done.certificate === undefined)
        throw toProblem(done.error ?? {}, 'The authority refused the order without a reason.')
      return (await ask(account, done.certificate, null, signal)).body
    },
  }
}

function refusalOf({ challenges }: Authorization, host: string): AcmeProblem {
  const failed = challenges.find(({ error }) => error !== undefined)
  return toProblem(failed?.error ?? {}, `The authority could not verify ${host}, and gives no reason.`)
}

function read<T>(shape: z.ZodType<T>, reply: Reply, now: () => number, url: string): T {
  if (reply.status >= 400) throw problemIn(reply, now, url)
  const result = shape.safeParse(parseJson(reply.body))
  if (!result.success)
    throw new AcmeProblem(
      'malformed',
      `The answer of ${url} is not what an ACME server says. Is BERTH_ACME_DIRECTORY right?`,
    )
  return result.data
}

function problemIn(reply: Reply, now: () => number, url: string): AcmeProblem {
  const result = problemShape.safeParse(parseJson(reply.body))
  const fallback = `The authority answered ${reply.status} to ${new URL(url).pathname}.`
  return toProblem(result.success ? result.data : {}, fallback, waitIn(reply, now))
}

function toProblem(problem: z.infer<typeof problemShape>, fallback: string, waitMs: number | null = null): AcmeProblem {
  const kind = (problem.type ?? 'unknown').replace('urn:ietf:params:acme:error:', '')
  const details = [problem.detail ?? fallback, ...(problem.subproblems ?? []).map(({ detail }) => detail ?? '')]
  return new AcmeProblem(kind, [...new Set(details)].filter(Boolean).join(' '), waitMs)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const single = (value: string | string[] | undefined): string | null =>
  (Array.isArray(value) ? value[0] : value) ?? null

const nonceIn = (reply: Reply): string | null => single(reply.headers['replay-nonce'])

function locationIn(reply: Reply, url: string): string {
  const location = single(reply.headers['location'])
  if (location === null) throw new AcmeProblem('malformed', `The answer of ${url} names no location.`)
  return new URL(location, url).href
}

/** Retry-After in seconds or as a date (RFC 9110 §10.2.3). */
function waitIn(reply: Reply, now: () => number): number | null {
  const text = single(reply.headers['retry-after'])
  if (text === null) return null
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now()
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}
