/** What the views are built of. */
import { z } from 'zod'

/** A moment, as `2026-11-21T08:30:00.000Z` (RFC 3339, UTC). */
export const moment = z.iso.datetime()
export const whole = z.int()
export const text = z.string()
export const texts = z.array(z.string())

/** @param id its name in the API's document */
export const named = <Shape extends z.ZodRawShape>(id: string, shape: Shape) => z.strictObject(shape).meta({ id })

/** What a call answers that only says that it was taken. */
export const taken = named('Taken', {})

/**
 * A list, of which there may be more than one page.
 * @param name of the field that holds it
 */
export const listOf = <Name extends string, Item extends z.ZodType>(name: Name, item: Item) =>
  z.strictObject({ [name]: z.array(item), next } as { [K in Name]: z.ZodArray<Item> } & { next: typeof next })

const next = z.string().optional().describe('The cursor of the next page; left out where this is the last.')
