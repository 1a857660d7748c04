/**
 * One topic's things by id, with indexes, and listeners that hear only of what they asked for. A change is taken in at once
 * and told on `flush`, which the connection calls once a frame: however many changes came, each listener hears of them once.
 */
export type Unlisten = () => void

const ALL = '*'

type Options<T> = {
  idOf: (item: T) => string
  /** By the index's name: under which key a thing is found. */
  indexes?: Record<string, (item: T) => string>
}

export class Collection<T> {
  readonly #items = new Map<string, T>()
  readonly #indexes = new Map<string, Map<string, Set<string>>>()
  readonly #versions = new Map<string, number>()
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #touched = new Set<string>()
  readonly #options: Options<T>
  #known = false
  #list: { version: number; items: T[] } | null = null

  constructor(options: Options<T>) {
    this.#options = options
    for (const name of Object.keys(options.indexes ?? {})) this.#indexes.set(name, new Map())
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
    const ids = this.#indexes.get(name)?.get(key) ?? []
    return [...ids].flatMap((id) => this.#items.get(id) ?? [])
  }

  /** How many there are under each key of an index. */
  counts(name: string): Map<string, number> {
    return new Map([...(this.#indexes.get(name) ?? [])].map(([key, ids]) => [key, ids.size]))
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

  /** Tells those who listen to what changed since the last time. */
  flush(): void {
    if (this.#touched.size === 0) return
    const channels = [...this.#touched]
    this.#touched.clear()
    for (const channel of channels) this.#versions.set(channel, this.version(channel) + 1)
    for (const channel of channels) for (const tell of this.#listeners.get(channel) ?? []) tell()
  }

  /** @param channel `*`, `id:ID` or `INDEX:KEY` */
  listen(channel: string, tell: () => void): Unlisten {
    const before = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, before.add(tell))
    return () => {
      before.delete(tell)
      if (before.size === 0) this.#listeners.delete(channel)
    }
  }

  version(channel: string): number {
    return this.#versions.get(channel) ?? 0
  }

  #put(item: T): void {
    const id = this.#options.idOf(item)
    this.#unindex(id)
    this.#items.set(id, item)
    this.#touched.add(`id:${id}`)
    for (const [name, keyOf] of Object.entries(this.#options.indexes ?? {})) {
      const key = keyOf(item)
      const index = this.#indexes.get(name)
      const ids = index?.get(key) ?? new Set()
      index?.set(key, ids.add(id))
      this.#touched.add(`${name}:${key}`)
    }
  }

  #remove(id: string): void {
    if (!this.#items.has(id)) return
    this.#unindex(id)
    this.#items.delete(id)
    this.#touched.add(`id:${id}`)
  }

  #unindex(id: string): void {
    const item = this.#items.get(id)
    if (item === undefined) return
    for (const [name, keyOf] of Object.entries(this.#options.indexes ?? {})) {
      const key = keyOf(item)
      const ids = this.#indexes.get(name)?.get(key)
      ids?.delete(id)
      if (ids?.size === 0) this.#indexes.get(name)?.delete(key)
      this.#touched.add(`${name}:${key}`)
    }
  }

  #clear(): void {
    for (const id of [...this.#items.keys()]) this.#remove(id)
  }
}

function split(channel: string): [string, string] {
  const colon = channel.indexOf(':')
  return [channel.slice(0, colon), channel.slice(colon + 1)]
}
