import type { Store } from './connection.ts'
import { keys } from './keys.ts'

export type ApiCall = { admitted: boolean; remaining: number; fullAfterMs: number; retryAfterMs: number }

/** One call of a caller that may make so many in so long, by all controllers together. */
export async function takeApiCall(
  store: Store,
  caller: string,
  { calls, windowMs }: { calls: number; windowMs: number },
): Promise<ApiCall> {
  const cost = windowMs / calls
  const [admitted, owed, wait] = (await store.takeApiCall(keys.apiRate(caller), cost, windowMs)) as [
    number,
    number,
    number,
  ]
  return {
    admitted: admitted === 1,
    remaining: Math.max(0, Math.floor((windowMs - owed) / cost)),
    fullAfterMs: owed,
    retryAfterMs: wait,
  }
}
