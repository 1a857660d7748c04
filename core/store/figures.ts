/**
 * What the routers counted of each app's requests, in stretches of two seconds that are kept for a minute. They are for people
 * to look at: those that a router could not deliver are lost, and nobody is billed by them.
 */
import { FIGURES_SLOT_MS, mergeFigures, packFigures, unpackFigures, type Figures } from '../domain/figures.ts'
import type { AppId } from '../domain/ids.ts'
import type { Store } from './connection.ts'
import { keys } from './keys.ts'

export const KEEP_SECONDS = 60
/** A call takes no more than some 100,000 arguments. */
const APPS_AT_ONCE = 2_000

/** @param slot of slotOf. Delivered twice, it is as if once. */
export async function recordFigures(
  store: Store,
  router: string,
  slot: number,
  counted: ReadonlyMap<AppId, Figures>,
): Promise<void> {
  const fields = [...counted].map(([app, figures]) => [`${app} ${router}`, packFigures(figures)] as const)
  if (fields.length === 0) return
  const pipeline = store.pipeline()
  for (let at = 0; at < fields.length; at += APPS_AT_ONCE)
    pipeline.hset(keys.figures(slot), Object.fromEntries(fields.slice(at, at + APPS_AT_ONCE)))
  pipeline.expire(keys.figures(slot), KEEP_SECONDS)
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
}

/** What all routers counted in these slots, by app. */
export async function readFigures(store: Store, slots: readonly number[]): Promise<Map<AppId, Figures>> {
  const pipeline = store.pipeline()
  for (const slot of slots) pipeline.hgetall(keys.figures(slot))
  const found = new Map<AppId, Figures[]>()
  for (const [error, fields] of (await pipeline.exec()) ?? []) {
    if (error) throw error
    for (const [field, text] of Object.entries(fields as Record<string, string>)) {
      const app = field.split(' ', 1)[0] as AppId
      const figures = unpackFigures(text)
      const before = found.get(app)
      if (before) before.push(figures)
      else found.set(app, [figures])
    }
  }
  return new Map([...found].map(([app, all]) => [app, mergeFigures(all)]))
}

/** Live figures: what was counted in the last 10 s, of which each stretch is read once. */
export function createFiguresReader(store: Store): { read(now: number): Promise<Map<AppId, Figures>> } {
  return { read: createSlotReader((slot) => readFigures(store, [slot]), mergeSlots) }
}

/** @returns what was counted in the last LIVE_SECONDS; `readSlot` is asked once for each stretch */
export function createSlotReader<Counted>(
  readSlot: (slot: number) => Promise<Counted>,
  merge: (slots: readonly Counted[]) => Counted,
): (now: number) => Promise<Counted> {
  let read = new Map<number, Counted>()
  let merged = merge([])
  return async (now) => {
    const wanted = liveSlots(now)
    const missing = wanted.filter((slot) => !read.has(slot))
    if (missing.length === 0) return merged
    const news = await Promise.all(missing.map(async (slot) => [slot, await readSlot(slot)] as const))
    read = new Map([...read, ...news].filter(([slot]) => wanted.includes(slot)))
    merged = merge([...read.values()])
    return merged
  }
}

function mergeSlots(slots: readonly Map<AppId, Figures>[]): Map<AppId, Figures> {
  const apps = new Set(slots.flatMap((slot) => [...slot.keys()]))
  return new Map(
    [...apps].map((app) => [app, mergeFigures(slots.map((slot) => slot.get(app)).filter((one) => one !== undefined))]),
  )
}

export const LIVE_SECONDS = 10
/** By then routers have delivered what they counted. */
const DELIVERED_MS = 1_000

function liveSlots(now: number): number[] {
  const newest = Math.floor((now - DELIVERED_MS) / FIGURES_SLOT_MS) - 1
  return Array.from({ length: (LIVE_SECONDS * 1000) / FIGURES_SLOT_MS }, (_, back) => newest - back)
}
