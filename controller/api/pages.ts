/**
 * Lists in pages. A cursor names the last thing of its page, and where that stood in the list's order: so what is added or
 * removed meanwhile makes nothing appear twice, and nothing that was there all the time is left out.
 */
import type { Request } from 'express'
import { pageQuery } from '#core/contract/bodies/page.ts'
import { parse } from '#core/contract/schema.ts'
import { cursorRefused } from '#core/domain/call-errors.ts'

export type Listing<Item> = {
  /** What the list is of, so that the cursor of another is refused. */
  name: string
  id: (item: Item) => string
  /** By what the list is in order. */
  at: (item: Item) => number | string
  newestFirst?: true
}

export type Cursor = { id: string; at: number | string }
export type Asked = { limit: number; after: Cursor | null }
export type Page<Item> = { items: Item[]; next: { next?: string } }

/** What a list answers to whoever does not say how much: all, as far as one answer can reasonably hold it. */
export const USUAL_LIMIT = 1000

/** @param usual how many are answered where the caller does not say. @throws BAD_REQUEST, CURSOR_REFUSED */
export function askedPage(req: Request, { name }: Pick<Listing<never>, 'name'>, usual = USUAL_LIMIT): Asked {
  const { limit, cursor } = parse(pageQuery, { limit: req.query['limit'], cursor: req.query['cursor'] }, 'query')
  return { limit: limit ?? usual, after: cursor === undefined ? null : readCursor(name, cursor) }
}

/** The page of a list that is at hand as a whole, in its order. */
export function pageOf<Item>(req: Request, items: readonly Item[], listing: Listing<Item>, usual?: number): Page<Item> {
  const { limit, after } = askedPage(req, listing, usual)
  const from = after === null ? 0 : startAfter(items, after, listing)
  return cutPage(items.slice(from, from + limit + 1), limit, listing)
}

/** @param items of the page, and one more if there is one */
export function cutPage<Item>(items: readonly Item[], limit: number, listing: Listing<Item>): Page<Item> {
  const page = items.slice(0, limit)
  const last = page.at(-1)
  const isMore = items.length > limit && last !== undefined
  return { items: page, next: isMore ? { next: cursorText(listing, last) } : {} }
}

/** Behind the one that the cursor names; where that is gone, behind its place. */
function startAfter<Item>(items: readonly Item[], cursor: Cursor, { id, at, newestFirst }: Listing<Item>): number {
  const there = items.findIndex((item) => id(item) === cursor.id)
  if (there !== -1) return there + 1
  const isLater = (item: Item) => compare(at(item), cursor.at) * (newestFirst ? -1 : 1) > 0
  const behind = items.findIndex(isLater)
  return behind === -1 ? items.length : behind
}

const collator = new Intl.Collator('en', { numeric: true })

function compare(a: number | string, b: number | string): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b))
}

const cursorText = <Item>({ name, id, at }: Listing<Item>, item: Item): string =>
  Buffer.from(JSON.stringify([name, id(item), at(item)])).toString('base64url')

function readCursor(name: string, text: string): Cursor {
  const parts = parseCursor(text)
  if (parts?.[0] !== name) throw cursorRefused(text)
  const [, id, at] = parts
  return { id, at }
}

function parseCursor(text: string): [name: string, id: string, at: number | string] | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    const isOne =
      Array.isArray(parts) &&
      parts.length === 3 &&
      typeof parts[0] === 'string' &&
      typeof parts[1] === 'string' &&
      (typeof parts[2] === 'string' || typeof parts[2] === 'number')
    return isOne ? (parts as [string, string, number | string]) : null
  } catch {
    return null
  }
}
