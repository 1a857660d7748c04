/** Jobs as orders that agents obey: signed with a key that is in a file of the controller's, and nowhere in Redis. */
import type { KeyObject } from 'node:crypto'
import { ORDER, type Job, type Order, type SignedOrder } from '#core/contract/jobs.ts'
import type { HostId } from '#core/domain/ids.ts'
import { makeSigningKey, readSigningKey, signText } from '#core/runtime/signing.ts'
import { readIfThere, writeOnce } from './files.ts'

/** A job says what the sync finds anyway within seconds: one that is older is of no use. */
export const ORDER_MS = 10 * 60_000

/** Reads the key, or makes one at the first start. */
export async function loadJobsKey(path: string): Promise<KeyObject> {
  if ((await readIfThere(path)) === null) await writeOnce(path, makeSigningKey())
  try {
    return readSigningKey(String(await readIfThere(path)))
  } catch (cause) {
    throw new Error(
      `${path} must hold an Ed25519 private key. Remove it and start again: agents ask for the new one.`,
      {
        cause,
      },
    )
  }
}

/** @param nonce no other order's */
export function signOrder(key: KeyObject, host: HostId, job: Job, now: number, nonce: string): SignedOrder {
  const order: Order = { host, job, issuedAt: now, expiresAt: now + ORDER_MS, nonce }
  const text = JSON.stringify(order)
  return { order: text, signature: signText(key, ORDER, text) }
}
