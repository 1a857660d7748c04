/** What became different between two pictures of the platform, and what of that somebody may know. */
import type { Target } from '#core/domain/access.ts'

/** Something that is shown. Unchanged, it is the same object in the next picture. */
export type Item = {
  /** Who sees this sees the item; null: operators alone. */
  target: Target | null
  /** Its view as JSON. */
  text: string
  /** What it was made of, to know without making it again that it would be the same. */
  sources: readonly unknown[]
}
export type Items = ReadonlyMap<string, Item>

/** By id: how it was and how it is; null where it was or is not there. */
export type Difference = { id: string; before: Item | null; after: Item | null }

export type Sees = (target: Target | null) => boolean

/** @returns what an item made of these things is; `before` itself if that is no other */
export function carry(
  before: Item | undefined,
  sources: readonly unknown[],
  make: () => { target: Target | null; view: object },
): Item {
  if (before && isSame(before.sources, sources)) return before
  const { target, view } = make()
  const text = JSON.stringify(view)
  if (before?.text === text && isSameTarget(before.target, target)) return Object.assign(before, { sources })
  return { target, text, sources }
}

export function diff(before: Items, after: Items): Difference[] {
  const found: Difference[] = []
  for (const [id, item] of after) {
    const was = before.get(id) ?? null
    if (was !== item) found.push({ id, before: was, after: item })
  }
  for (const [id, item] of before) if (!after.has(id)) found.push({ id, before: item, after: null })
  return found
}

/** The same, found once for all who were shown the same picture before. */
export function createDiff(): typeof diff {
  const found = new WeakMap<Items, { before: Items; differences: Difference[] }>()
  return (before, after) => {
    const known = found.get(after)
    if (known?.before === before) return known.differences
    const differences = diff(before, after)
    found.set(after, { before, differences })
    return differences
  }
}

/** What one who sees only a part of it has to be told. What passes out of somebody's sight is gone for them. */
export function visible(differences: readonly Difference[], sees: Sees): { put: Item[]; drop: string[] } {
  const put: Item[] = []
  const drop: string[] = []
  for (const { id, before, after } of differences) {
    if (after && sees(after.target)) put.push(after)
    else if (before && sees(before.target)) drop.push(id)
  }
  return { put, drop }
}

// ── what only comes, and never changes ───────────────────────────────────────────────────────────────────────────────

/** The newest of a row without end. */
export type Tail = {
  /** How many came before those that are here. */
  passed: number
  items: readonly Item[]
}
export const emptyTail: Tail = { passed: 0, items: [] }

export function append({ passed, items }: Tail, news: readonly Item[], keep: number): Tail {
  const all = [...items, ...news]
  const over = Math.max(0, all.length - keep)
  return { passed: passed + over, items: over === 0 ? all : all.slice(over) }
}

/** What came since; null when some of that is not kept any more. */
export function since(before: Tail, after: Tail): readonly Item[] | null {
  const known = before.passed + before.items.length - after.passed
  return known < 0 ? null : after.items.slice(known)
}

const isSame = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  one.length === other.length && one.every((value, index) => value === other[index])

const isSameTarget = (one: Target | null, other: Target | null): boolean =>
  one === other || (one?.tenantId === other?.tenantId && one?.appId === other?.appId)
