/**
 * How many requests each instance answered, beside what routers count of apps (figures.ts) and like it: in the same stretches,
 * for people to look at. A router has one field in each, also where nobody asked: that it counted is worth knowing too.
 */
import { mergeAnswered, packAnswered, unpackAnswered, type Answered } from '../domain/answered.ts'
import type { Store } from './connection.ts'
import { createSlotReader, KEEP_SECONDS } from './figures.ts'
import { keys } from './keys.ts'

/** @param slot of slotOf. Delivered twice, it is as if once. */
export async function recordAnswered(store: Store, router: string, slot: number, answered: Answered): Promise<void> {
  const key = keys.answered(slot)
  const results = await store.pipeline().hset(key, router, packAnswered(answered)).expire(key, KEEP_SECONDS).exec()
  for (const [error] of results ?? []) if (error) throw error
}

/** What all routers counted in this slot; null: none said anything. */
export const readAnswered = async (store: Store, slot: number): Promise<Answered | null> =>
  mergeAnswered((await store.hvals(keys.answered(slot))).map(unpackAnswered))

/** What was counted in the last LIVE_SECONDS, of which each stretch is read once. */
export const createAnsweredReader = (store: Store): ((now: number) => Promise<Answered | null>) =>
  createSlotReader((slot) => readAnswered(store, slot), mergeAnswered)
