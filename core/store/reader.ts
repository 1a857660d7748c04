/**
 * Reads the same records again and again. One that did not change is neither parsed nor made anew: it is the same object as
 * before, so whoever compares two readings need only compare objects.
 */
import type { Store } from './connection.ts'

export type RecordReader<Id extends string, T> = {
  /** In the order of the ids, without those that are gone. What is not among the ids is forgotten. */
  read(ids: readonly Id[]): Promise<Map<Id, T>>
}

type Kind<Id extends string, T> = {
  key: (id: Id) => string
  /** What of the hash is read. */
  fields: readonly string[]
  parse: (fields: Record<string, string>) => T | null
  /** Never changes again, and is not read again. */
  isFinal?: (value: T) => boolean
}

export function createReader<Id extends string, T>(
  store: Store,
  { key, fields, parse, isFinal = () => false }: Kind<Id, T>,
): RecordReader<Id, T> {
  let known = new Map<Id, { texts: (string | null)[]; value: T }>()

  return {
    async read(ids) {
      const asked = ids.filter((id) => {
        const before = known.get(id)
        return before === undefined || !isFinal(before.value)
      })
      const pipeline = store.pipeline()
      for (const id of asked) pipeline.hmget(key(id), ...fields)
      const rows = asked.length === 0 ? [] : ((await pipeline.exec()) ?? [])
      const read = new Map<Id, (string | null)[]>()
      rows.forEach(([error, texts], index) => {
        if (error) throw error
        read.set(asked[index] as Id, texts as (string | null)[])
      })

      const next: typeof known = new Map()
      for (const id of ids) {
        const before = known.get(id)
        const texts = read.get(id) ?? before?.texts ?? []
        const kept = before && isSame(before.texts, texts) ? before : made(texts)
        if (kept) next.set(id, kept)
      }
      known = next
      return new Map([...known].map(([id, { value }]) => [id, value]))
    },
  }

  function made(texts: (string | null)[]): { texts: (string | null)[]; value: T } | null {
    const there = fields.flatMap((name, index) => {
      const text = texts[index]
      return typeof text === 'string' ? [[name, text] as const] : []
    })
    const value = parse(Object.fromEntries(there))
    return value === null ? null : { texts, value }
  }
}

const isSame = (one: readonly (string | null)[], other: readonly (string | null)[]): boolean =>
  one.length === other.length && one.every((text, index) => text === other[index])
