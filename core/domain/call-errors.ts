/** What is wrong with a call as a call, whatever it is about: its cursor, its key, what it takes for granted. */
import { BerthError } from './errors.ts'

export const cursorRefused = (cursor: string) =>
  new BerthError(
    'CURSOR_REFUSED',
    400,
    `cursor: ${JSON.stringify(cursor.slice(0, 60))} is not one that this list has given. Leave it out to begin again.`,
  )

export const idempotencyKeyRefused = (key: string) =>
  new BerthError(
    'IDEMPOTENCY_KEY_REFUSED',
    400,
    `Idempotency-Key: ${JSON.stringify(key.slice(0, 60))} must be 1 to 200 printable ASCII characters, such as a UUID.`,
  )

export const idempotencyKeyReused = (key: string) =>
  new BerthError(
    'IDEMPOTENCY_KEY_REUSED',
    422,
    `The Idempotency-Key ${JSON.stringify(key)} was used for another call within the last 24 hours. Make a new one for each thing that you create.`,
  )

export const callUnderWay = (key: string) =>
  new BerthError(
    'CALL_UNDER_WAY',
    409,
    `The first call with the Idempotency-Key ${JSON.stringify(key)} is still under way. Repeat this one in a few seconds.`,
  )

export const outcomeUnknown = (key: string) =>
  new BerthError(
    'OUTCOME_UNKNOWN',
    409,
    `The first call with the Idempotency-Key ${JSON.stringify(key)} was cut off, and it may have created what it was to create. Look whether it is there; if not, call again with a new key.`,
  )

/** @param what it is that was changed, e.g. `The config of shop` */
export const preconditionFailed = (what: string) =>
  new BerthError(
    'PRECONDITION_FAILED',
    412,
    `${what} has changed since you read it, so nothing was changed now. Read it again, and send your change with its new ETag in If-Match.`,
  )
