/**
 * Calls that are done once however often they are sent (draft-ietf-httpapi-idempotency-key-header-07): the first call with a
 * key is done, and what it answered is answered again for a day to the same caller, key, path and body.
 *
 * The state is in Redis before anything is done. Whoever does it says every few seconds that it is still at it; where that
 * stops without an outcome, the controller was ended in the middle, and nobody claims to know what came of it.
 */
import { hash } from 'node:crypto'
import type { Request, Response } from 'express'
import { z } from 'zod'
import type { Caller } from '#core/domain/access.ts'
import { callUnderWay, idempotencyKeyRefused, idempotencyKeyReused, outcomeUnknown } from '#core/domain/call-errors.ts'
import { BerthError } from '#core/domain/errors.ts'
import type { AppId } from '#core/domain/ids.ts'
import { beginOnce, changeOnce, forgetOnce } from '#core/store/idempotency.ts'
import { callerOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import type { Handler } from './routes.ts'

const record = z.strictObject({
  /** Of method, path, query and body. */
  call: z.string(),
  /** Until then it is under way; null: it is over. */
  until: z.number().nullable(),
  answer: z.strictObject({ status: z.int(), body: z.string() }).nullable(),
})
type Record = z.infer<typeof record>

type OnceContext = Pick<ApiContext, 'store' | 'sealer' | 'now' | 'log'>
/** Which call it is, and where what becomes of it is written down. */
type Place = { key: string; caller: string; slot: string; call: string }

const LEASE_MS = 15_000
const RENEW_MS = 5_000

/** A handler that does a call with an Idempotency-Key once. Its answer must be given by `res.json`. */
export const once =
  (handler: Handler, context: OnceContext): Handler =>
  async (req, res) => {
    const key = req.headers['idempotency-key']
    if (key === undefined) return handler(req, res)
    const place = placeOf(req, readKey(String(key)))
    const mine = seal(place, { call: place.call, until: context.now() + LEASE_MS, answer: null }, context)
    const before = await beginOnce(context.store, place.caller, place.slot, mine, context.now())
    if (before === null) await doOnce(handler, req, res, place, context)
    else answerAgain(res, open(place, before, context), place, context)
  }

/** @throws IDEMPOTENCY_KEY_REFUSED */
function readKey(text: string): string {
  // A string of structured fields (RFC 8941 §3.3.3), as the draft has it, or the same without its quotes.
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw idempotencyKeyRefused(text)
  return key
}

function placeOf(req: Request, key: string): Place {
  const caller = digest(identityOf(callerOf(req)))
  const body = typeof req.body === 'string' ? req.body : ''
  return {
    key,
    caller,
    slot: digest(`${caller}\n${key}`),
    call: digest(`${req.method} ${req.originalUrl}\n${body}`),
  }
}

const identityOf = ({ tokenId, userId, actor }: Caller): string => JSON.stringify(userId ?? tokenId ?? actor)
const digest = (text: string): string => hash('sha256', text)

async function doOnce(
  handler: Handler,
  req: Request,
  res: Response,
  place: Place,
  context: OnceContext,
): Promise<void> {
  const { store, now, log } = context
  const stay = setInterval(() => {
    const still = seal(place, { call: place.call, until: now() + LEASE_MS, answer: null }, context)
    changeOnce(store, place.slot, still).catch((error: unknown) => log.warn('idempotency lease not renewed', { error }))
  }, RENEW_MS)
  const held = holdBack(res)
  try {
    await handler(req, res)
    clearInterval(stay)
    await changeOnce(store, place.slot, seal(place, { call: place.call, until: null, answer: held.answer() }, context))
  } catch (error) {
    // What was refused created nothing, so that the call may be put right and sent again under its key.
    if (error instanceof BerthError && error.status < 500) await forgetOnce(store, place.caller, place.slot)
    throw error
  } finally {
    clearInterval(stay)
    held.restore()
  }
  held.send()
}

/** An answer goes out when it is written down, and not before. */
function holdBack(res: Response): {
  answer: () => NonNullable<Record['answer']>
  restore: () => void
  send: () => void
} {
  const json = res.json.bind(res)
  let body: { value: unknown } | null = null
  res.json = (value: unknown) => {
    body = { value }
    return res
  }
  return {
    answer: () => ({ status: res.statusCode, body: body === null ? '' : JSON.stringify(body.value) }),
    restore: () => void (res.json = json),
    send: () => void (body && json(body.value)),
  }
}

/** @throws IDEMPOTENCY_KEY_REUSED, CALL_UNDER_WAY, OUTCOME_UNKNOWN */
function answerAgain(res: Response, { call, until, answer }: Record, place: Place, { now }: OnceContext): void {
  if (call !== place.call) throw idempotencyKeyReused(place.key)
  if (answer === null) {
    if (until === null || until <= now()) throw outcomeUnknown(place.key)
    res.setHeader('Retry-After', '2')
    throw callUnderWay(place.key)
  }
  res.setHeader('Idempotency-Replayed', 'true')
  res.setHeader('Cache-Control', 'no-store')
  if (answer.body === '') return void res.status(answer.status).end()
  res.status(answer.status).type('application/json').send(answer.body)
}

/** Sealed, because an answer may show a secret that is kept nowhere else. No app has this id. */
const SEALED_FOR = 'idempotency' as AppId

const seal = ({ slot }: Place, value: Record, { sealer }: OnceContext): string =>
  sealer.seal(SEALED_FOR, slot, JSON.stringify(value))

const open = ({ slot }: Place, sealed: string, { sealer }: OnceContext): Record =>
  record.parse(JSON.parse(sealer.open(SEALED_FOR, slot, sealed)))
