/** How the routers share out what a tenant, or an app, may take of them. See commands/shareTraffic.lua. */
import type { AppId, TenantId } from '../domain/ids.ts'
import type { Store } from './connection.ts'
import { keys } from './keys.ts'

/** Whose traffic is shared out. */
export type TrafficAccount = `tenant:${TenantId}` | `app:${AppId}`

/** A token bucket of which each router has a part. */
export type FlowReport = {
  /** Tokens per second; -1: no limit. */
  rate: number
  burst: number
  /** The part of the rate that this router fills its bucket with, 0 to 1. */
  share: number
  /** Tokens that it has. */
  tokens: number
  /** Tokens that it made itself since it joined. */
  made: number
  /** Tokens that were asked of it, per second. */
  wanted: number
}

export type CountReport = {
  /** -1: no limit. */
  limit: number
  allowance: number
  used: number
  wanted: number
}

export type TrafficReport = {
  account: TrafficAccount
  mode: 'join' | 'renew' | 'leave'
  /** Whether the router has less than is asked of it. */
  short: boolean
  /** Requests, bytes in, bytes out. */
  flows: readonly FlowReport[]
  /** Requests in flight, connections, WebSockets. */
  counts: readonly CountReport[]
}

export type TrafficShare = {
  /** Whether another router has less than is asked of it. */
  othersShort: boolean
  /** The part of the rate and the most tokens to hold from now on, and how many to add; below zero, to take away. */
  flows: { share: number; cap: number; grant: number }[]
  counts: { allowance: number }[]
}

/**
 * Reports to all of the accounts in one round trip.
 * @param router its id
 * @param routers how many there are, with those that do not share yet
 * @param now ms, for tests; else Redis's clock
 * @returns the router's shares in the order of the reports; null for a report that said leave
 * @throws when Redis did not take one; those before it were taken
 */
export async function shareTraffic(
  store: Store,
  router: string,
  routers: number,
  reports: readonly TrafficReport[],
  now: number | null = null,
): Promise<(TrafficShare | null)[]> {
  const pipeline = store.pipeline() as unknown as Pick<Store, 'shareTraffic'> & {
    exec(): Promise<[Error | null, unknown][] | null>
  }
  for (const { account, mode, short, flows, counts } of reports)
    void pipeline.shareTraffic(
      keys.traffic(account),
      router,
      now ?? '',
      mode,
      short ? 1 : 0,
      flows.map(flowText).join(' '),
      counts.map(countText).join(' '),
      routers,
    )
  const answers = (await pipeline.exec()) ?? []
  return answers.map(([error, text], index) => {
    if (error) throw error
    return reports[index]?.mode === 'leave' ? null : readShare(String(text))
  })
}

const flowText = ({ rate, burst, share, tokens, made, wanted }: FlowReport): string =>
  `${rate} ${burst} ${share} ${tokens} ${made} ${wanted}`

const countText = ({ limit, allowance, used, wanted }: CountReport): string => `${limit} ${allowance} ${used} ${wanted}`

const FLOWS = 3

function readShare(text: string): TrafficShare {
  const [othersShort = 0, ...rest] = text.split(' ').map(Number)
  const flows = Array.from({ length: FLOWS }, (_, index) => ({
    share: rest[index * 3] ?? 0,
    cap: rest[index * 3 + 1] ?? 1,
    grant: rest[index * 3 + 2] ?? 0,
  }))
  const counts = rest.slice(FLOWS * 3).map((allowance) => ({ allowance }))
  return { othersShort: othersShort === 1, flows, counts }
}
