/**
 * Which of the builds that wait comes next. Tenants take turns: who has the fewest builds running comes first, then who had
 * a turn longest ago; a tenant's own builds go in the order of their arrival. So however many builds one tenant has waiting,
 * the first of another's comes with the next slot that is free.
 */

export type Waiting = { key: string; tenantId: string }

/** How things stand when a slot becomes free. */
export type Standing = {
  /** The tenant of each build that runs. */
  running: readonly string[]
  /** Tenants in the order of their last turns, the latest last. */
  served: readonly string[]
}

/**
 * The order in which builds will begin, as far as one can tell now: as if none of those that run ended before them.
 * @param waiting in the order of their arrival
 */
export function inTurns<T extends Waiting>(waiting: readonly T[], { running, served }: Standing): T[] {
  const left = [...waiting]
  const order: T[] = []
  const busy = new Map<string, number>()
  for (const tenant of running) busy.set(tenant, (busy.get(tenant) ?? 0) + 1)
  let turns = [...served]
  while (left.length > 0) {
    const next = left.reduce((first, other) => (comesBefore(other, first, busy, turns) ? other : first))
    left.splice(left.indexOf(next), 1)
    order.push(next)
    busy.set(next.tenantId, (busy.get(next.tenantId) ?? 0) + 1)
    turns = afterTurnOf(next.tenantId, turns)
  }
  return order
}

/** @returns the tenants in the order of their last turns, once one more had its turn */
export const afterTurnOf = (tenant: string, served: readonly string[]): string[] => [
  ...served.filter((other) => other !== tenant),
  tenant,
]

function comesBefore(
  one: Waiting,
  other: Waiting,
  busy: ReadonlyMap<string, number>,
  turns: readonly string[],
): boolean {
  const more = (busy.get(one.tenantId) ?? 0) - (busy.get(other.tenantId) ?? 0)
  return more !== 0 ? more < 0 : turns.indexOf(one.tenantId) < turns.indexOf(other.tenantId)
}
