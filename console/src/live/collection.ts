/**
 * One topic's things by id, with indexes, and listeners that hear only of what they asked for. A change is taken in at once
 * and told later, by frames (telling.ts): however many changes came, each listener hears of them once.
 */
export type Unlisten = () => void
export type Tell = () => void
/** Who is to hear of a change: those who sum all things up, and those who show one of them or some. */
export type Listening = { ofAll: Tell[]; ofSome: Tell[] }

const ALL = '*'

type Options<T> = {
  idOf: (item: T) => string
  /** By the index's name: under which key a thing is found. */
  indexes?: Record<string, (item: T) => string>
}

type Index<T> = { name: string; keyOf: (item: T) => string; idsOf: Map<string, Set<string>> }

export class Collection<T> {
  readonly #items = new Map<string, T>()
  readonly #indexes: Index<T>[]
  readonly #versions = new Map<string, number>()
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #touched = new Set<string>()
  readonly #options: Options<T>
  #known = false
  #list: { version: number; items: T[] } | null = null

  constructor(options: Options<T>) {
    this.#options = options
    this.#indexes = Object.entries(options.indexes ?? {}).map(([name, keyOf]) => ({ name, keyOf, idsOf: new Map() }))
  }

  /** Whether anything was ever said of this topic: nothing is not the same as not known yet. */
  get known(): boolean {
    return this.#known
  }

  get size(): number {
    return this.#items.size
  }

  get(id: string): T | undefined {
    return this.#items.get(id)
  }

  /** All of them, in the order in which they came; the same array until one changes. */
  all(): T[] {
    const version = this.version(ALL)
    if (this.#list?.version !== version) this.#list = { version, items: [...this.#items.values()] }
    return this.#list.items
  }

  /** @param channel `host:h-1`: those under a key of an index */
  within(channel: string): T[] {
    const [name = '', key = ''] = split(channel)
    const ids = this.#idsOf(name)?.get(key) ?? []
    return [...ids].flatMap((id) => this.#items.get(id) ?? [])
  }

  /** How many there are under each key of an index. */
  counts(name: string): Map<string, number> {
    return new Map([...(this.#idsOf(name) ?? [])].map(([key, ids]) => [key, ids.size]))
  }

  apply({ reset, put, drop }: { reset?: true; put: T[]; drop: string[] }): void {
    if (reset) this.#clear()
    this.#known = true
    this.#touched.add(ALL)
    for (const item of put) this.#put(item)
    for (const id of drop) this.#remove(id)
  }

  /** Things without an id of their own only pile up: the first ones go. */
  dropOldest(count: number): void {
    for (const id of [...this.#items.keys()].slice(0, count)) this.#remove(id)
    this.#touched.add(ALL)
  }

  forget(): void {
    this.#clear()
    this.#known = false
    this.#touched.add(ALL)
  }

  /** Those who listen to what changed since the last time: to be told by whoever asks. */
  changed(): Listening {
    const ofSome: Tell[] = []
    if (this.#touched.size === 0) return { ofAll: [], ofSome }
    for (const channel of this.#touched) {
      this.#versions.set(channel, this.version(channel) + 1)
      if (channel !== ALL) for (const tell of this.#listeners.get(channel) ?? []) ofSome.push(tell)
    }
    this.#touched.clear()
    return { ofAll: [...(this.#listeners.get(ALL) ?? [])], ofSome }
  }

  /** Tells all of them at once. */
  flush(): void {
    const { ofAll, ofSome } = this.changed()
    for (const tell of [...ofAll, ...ofSome]) tell()
  }

  /** @param channel `*`, `id:ID` or `INDEX:KEY` */
  listen(channel: string, tell: Tell): Unlisten {
    const before = this.#listeners.get(channel) ?? new Set()
    let isListening = true
    // Who is still to be told may have left by then.
    const listener = (): void => {
      if (isListening) tell()
    }
    this.#listeners.set(channel, before.add(listener))
    return () => {
      isListening = false
      before.delete(listener)
      if (before.size === 0) this.#listeners.delete(channel)
    }
  }

  version(channel: string): number {
    return this.#versions.get(channel) ?? 0
  }

  #idsOf(name: string): Map<string, Set<string>> | undefined {
    return this.#indexes.find((index) => index.name === name)?.idsOf
  }

  #put(item: T): void {
    const id = this.#options.idOf(item)
    const before = this.#items.get(id)
    this.#items.set(id, item)
    this.#touched.add(`id:${id}`)
    for (const { name, keyOf, idsOf } of this.#indexes) {
      const key = keyOf(item)
      this.#touched.add(`${name}:${key}`)
      const keyBefore = before === undefined ? undefined : keyOf(before)
      // Most changes are of figures: the thing stays where it is.
      if (keyBefore === key) continue
      if (keyBefore !== undefined) this.#leave(idsOf, name, keyBefore, id)
      const ids = idsOf.get(key) ?? new Set()
      idsOf.set(key, ids.add(id))
    }
  }

  #remove(id: string): void {
    const item = this.#items.get(id)
    if (item === undefined) return
    for (const { name, keyOf, idsOf } of this.#indexes) this.#leave(idsOf, name, keyOf(item), id)
    this.#items.delete(id)
    this.#touched.add(`id:${id}`)
  }

  #leave(idsOf: Map<string, Set<string>>, name: string, key: string, id: string): void {
    const ids = idsOf.get(key)
    ids?.delete(id)
    if (ids?.size === 0) idsOf.delete(key)
    this.#touched.add(`${name}:${key}`)
  }

  #clear(): void {
    for (const id of [...this.#items.keys()]) this.#remove(id)
  }
}

function split(channel: string): [string, string] {
  const colon = channel.indexOf(':')
  return [channel.slice(0, colon), channel.slice(colon + 1)]
}
