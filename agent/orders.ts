/** Takes jobs for orders of the controller's, or not: what it has not signed is dropped, counted, and told to operators. */
import type { KeyObject } from 'node:crypto'
import { order as anyOrder, ORDER, signedOrder, type Job, type SignedOrder } from '#core/contract/jobs.ts'
import { parse } from '#core/contract/schema.ts'
import type { RefusedJobs } from '#core/domain/host.ts'
import type { HostId } from '#core/domain/ids.ts'
import type { Log } from '#core/runtime/log.ts'
import { isSigned } from '#core/runtime/signing.ts'
import { isRefusal, judge, refusals, type Refusal, type Verdict } from './order.ts'

export type Orders = {
  /** @param data,id of a job on the queue. @returns null: it is to be ignored. @throws where a job of the controller's is not understood */
  read(data: unknown, id: string | undefined): Promise<Job | null>
  /** How many were refused since this agent began, by reason. */
  counts(): ReadonlyMap<Refusal, number>
  /** For the heartbeat. */
  refused(): RefusedJobs
}

/** The controller's public key, which never comes from Redis. */
export type JobsKey = {
  current(): KeyObject
  /** Asks the controller for it, because what came does not fit; not more often than it makes sense. */
  renew(): Promise<void>
}

/** Whoever floods a queue does not flood the log. */
const LOG_EVERY_MS = 10_000

type Context = { hostId: HostId; key: JobsKey; log: Log; now: () => number }

export function createOrders({ hostId, key, log, now }: Context): Orders {
  const since = now()
  /** Nonces that were obeyed → when their orders expire. */
  const known = new Map<string, number>()
  const counts = new Map<Refusal, number>(refusals.map((reason) => [reason, 0]))
  let last: RefusedJobs['last'] = null
  let loggedAt = 0

  async function verdictOf(data: unknown, id: string | undefined): Promise<{ verdict: Verdict; job?: Job }> {
    const signed = signedOrder.safeParse(data)
    if (!signed.success) return { verdict: 'unsigned' }
    if (!(await isOurs(signed.data))) return { verdict: 'forged' }
    const order = parse(anyOrder, JSON.parse(signed.data.order), 'job')
    const verdict = judge(order, { hostId, jobId: id, now: now(), since, isKnown: known.has(order.nonce) })
    if (verdict === 'obey') remember(order.nonce, order.expiresAt)
    return { verdict, job: order.job }
  }

  /** A controller that was given another key says so when it is asked. */
  async function isOurs({ order, signature }: SignedOrder): Promise<boolean> {
    if (isSigned(key.current(), ORDER, order, signature)) return true
    const before = key.current()
    await key.renew()
    return key.current() !== before && isSigned(key.current(), ORDER, order, signature)
  }

  function remember(nonce: string, expiresAt: number): void {
    for (const [old, until] of known) {
      if (until >= now()) break
      known.delete(old)
    }
    known.set(nonce, expiresAt)
  }

  function refuse(reason: Refusal): void {
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
    last = { at: now(), reason }
    if (now() - loggedAt < LOG_EVERY_MS) return
    loggedAt = now()
    log.error('a job was ignored that the controller has not sent to this host', { reason, refused: total() })
  }

  const total = () => [...counts.values()].reduce((sum, count) => sum + count, 0)

  return {
    async read(data, id) {
      const { verdict, job } = await verdictOf(data, id)
      if (isRefusal(verdict)) refuse(verdict)
      return verdict === 'obey' && job ? job : null
    },
    counts: () => counts,
    refused: () => ({ count: total(), last }),
  }
}
