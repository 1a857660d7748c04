/**
 * What a tenant is promised (apps, instances, memory) is decided by reading all of it. So that two decisions on one state
 * are not both taken, whichever controller makes them, each change hands over what this counter was before the decision.
 */
import type { TenantId } from '../domain/ids.ts'
import type { Store } from './connection.ts'
import { keys } from './keys.ts'

/** A change was decided on a state that is not any more: read again and decide again. */
export class PromisesMoved extends Error {}

/** To be read before what the decision is made on. */
export async function loadPromises(store: Store, tenant: TenantId): Promise<number> {
  return Number((await store.get(keys.promises(tenant))) ?? 0)
}

/** The answer of a command that was fenced by the counter. @throws PromisesMoved */
export function unlessMoved(answer: unknown, moved: number): unknown {
  if (answer === moved) throw new PromisesMoved('the tenant was promised something meanwhile')
  return answer
}
