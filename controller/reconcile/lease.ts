/** Work that one process at a time may do: it runs while this process holds a lease, and is told to end when it does not. */
import { sleep } from '#core/runtime/clock.ts'
import type { Store } from '#core/store/connection.ts'
import { holdLease, releaseLease } from '#core/store/leases.ts'

export type Lease = { store: Store; name: string; owner: string }

export const LEASE_TTL_MS = 10_000
const RENEW_EVERY_MS = 3_000
const ASK_EVERY_MS = 1_000
/** The lease is given up this long before it lapses, so that the work has ended when another process begins it. */
const MARGIN_MS = 2_000

/**
 * Waits for the lease, then works under it, once.
 * @param work gets a signal that aborts when the lease is lost or `signal` aborts
 * @returns what the work returned; null when `signal` aborted before it began
 */
export async function withLease<T>(
  lease: Lease,
  signal: AbortSignal,
  work: (held: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const since = await obtain(lease, signal)
  if (since === null) return null
  const lost = new AbortController()
  const over = new AbortController()
  const held = AbortSignal.any([signal, lost.signal])
  const keeping = keep(lease, since, lost, AbortSignal.any([held, over.signal]))
  try {
    return await work(held)
  } finally {
    over.abort()
    await keeping
    // Where the store cannot be reached, the lease lapses by itself.
    if (!lost.signal.aborted) await releaseLease(lease.store, lease.name, lease.owner).catch(() => {})
  }
}

/** @returns since when it is held, on this process's steady clock; null when aborted */
async function obtain({ store, name, owner }: Lease, signal: AbortSignal): Promise<number | null> {
  while (!signal.aborted) {
    const asked = performance.now()
    if (await holdLease(store, name, owner, LEASE_TTL_MS).catch(() => false)) return asked
    await sleep(ASK_EVERY_MS, signal)
  }
  return null
}

/** Renews the lease; where that fails, `lost` is aborted before it lapses. */
async function keep({ store, name, owner }: Lease, since: number, lost: AbortController, signal: AbortSignal) {
  let heldSince = since
  let expiry = expireAt(heldSince, lost)
  while (!signal.aborted) {
    await sleep(RENEW_EVERY_MS, signal)
    if (signal.aborted) break
    const asked = performance.now()
    const answer = await holdLease(store, name, owner, LEASE_TTL_MS).catch(() => null)
    if (answer === false) lost.abort()
    if (answer === true) {
      heldSince = asked
      clearTimeout(expiry)
      expiry = expireAt(heldSince, lost)
    }
  }
  clearTimeout(expiry)
}

const expireAt = (heldSince: number, lost: AbortController): NodeJS.Timeout =>
  setTimeout(() => lost.abort(), heldSince + LEASE_TTL_MS - MARGIN_MS - performance.now())
