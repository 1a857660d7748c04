/**
 * How many requests each instance answered, beside what routers count of apps (figures.ts) and like it: in the same stretches,
 * for people to look at. A router has one field in each, also where nobody asked: that it counted is worth knowing too.
 */
import { mergeAnswered, packAnswered, unpackAnswered, type Answered } from '../domain/answered.ts'
import type { InstanceId } from '../domain/ids.ts'
import { batch, type Store } from './connection.ts'
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

/** How many requests an instance answered of those that a router carried, since that router began. */
export type RequestCount = { router: string; instance: InstanceId; count: number }

/**
 * Adds what is new to the instances' totals, each request once, however often a count is delivered and in whatever order.
 * @throws when one was not taken; then all of them can be delivered again
 */
export async function recordRequests(store: Store, counts: readonly RequestCount[]): Promise<void> {
  const together = batch(store)
  for (const { router, instance, count } of counts)
    together.countRequests(keys.instanceRequests(instance), keys.instance(instance), router, count)
  await together.run()
}

/** How many requests each of these instances answered in all; those that answered none are left out. */
export async function loadRequests(store: Store, ids: readonly InstanceId[]): Promise<Answered> {
  const pipeline = store.pipeline()
  for (const id of ids) pipeline.hget(keys.instanceRequests(id), 'sum')
  const sums = ids.length === 0 ? [] : ((await pipeline.exec()) ?? [])
  return new Map(
    sums.flatMap(([error, sum], index): [InstanceId, number][] => {
      if (error) throw error
      return sum === null ? [] : [[ids[index] as InstanceId, Number(sum)]]
    }),
  )
}
