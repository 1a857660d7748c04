/** Whether an order that its controller signed is to be obeyed, here and now. */
import type { Order } from '#core/contract/jobs.ts'
import type { HostId } from '#core/domain/ids.ts'

/** Why a job is not what the controller sent: somebody else writes to this host's queue. */
export const refusals = ['unsigned', 'forged', 'otherHost', 'replayed', 'expired'] as const
export type Refusal = (typeof refusals)[number]

/** `late`: it waited while no agent was here, and the sync has found the same. `again`: it was obeyed. */
export type Verdict = 'obey' | 'late' | 'again' | Refusal

type Circumstances = {
  hostId: HostId
  /** Of the job on the queue. */
  jobId: string | undefined
  now: number
  /** Since when this agent takes jobs, ms since 1970. */
  since: number
  /** Whether this agent has obeyed an order of this nonce: the queue delivers at least once. */
  isKnown: boolean
}

export function judge(order: Order, { hostId, jobId, now, since, isKnown }: Circumstances): Verdict {
  if (order.host !== hostId) return 'otherHost'
  if (order.nonce !== jobId) return 'replayed'
  if (now > order.expiresAt) return order.issuedAt < since ? 'late' : 'expired'
  return isKnown ? 'again' : 'obey'
}

export const isRefusal = (verdict: Verdict): verdict is Refusal => (refusals as readonly string[]).includes(verdict)
