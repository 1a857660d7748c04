/**
 * What one client may take of a router, whoever it calls: connections, and requests to hosts that nobody has. A table of
 * fixed size, so that a flood of addresses costs no memory; who has no connection open makes room for others.
 */

export type ClientLimits = {
  connections: number
  /** To hosts that no app has, per second and at once. */
  unknownPerSecond: number
  unknownBurst: number
  /** How many clients are known at a time. */
  capacity: number
  /** Clients that are not judged, beyond hosts that nobody has. */
  exempt: (address: string) => boolean
}

/** Load balancers and tools on the router's own machine are nobody's third party. */
const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.')

export const defaultClientLimits: ClientLimits = {
  connections: 2_000,
  unknownPerSecond: 20,
  unknownBurst: 100,
  capacity: 32_768,
  exempt: isLoopback,
}

/** Stands for all whom nobody judges, together. */
export const NO_CLIENT = 0
/** Instead of a client: it has all the connections that one may have. */
export const TOO_MANY_CONNECTIONS = -1

export class Clients {
  readonly limits: ClientLimits
  #slots = new Map<string, number>()
  #keys: string[]
  #connections: Int32Array
  #tokens: Float64Array
  #at: Float64Array
  /** Asked for since the hand came by last. */
  #recent: Uint8Array
  #hand = 0
  #free = 1

  constructor(limits: ClientLimits = defaultClientLimits) {
    this.limits = limits
    const size = limits.capacity + 1
    this.#keys = new Array<string>(size).fill('')
    this.#connections = new Int32Array(size)
    this.#tokens = new Float64Array(size).fill(limits.unknownBurst)
    this.#at = new Float64Array(size)
    this.#recent = new Uint8Array(size)
  }

  get size(): number {
    return this.#slots.size
  }

  /**
   * The client of a new connection, to be closed when that is closed.
   * @param address as a socket gives it
   * @returns a number that stands for the client, or TOO_MANY_CONNECTIONS
   */
  open(address: string, now: number): number {
    const client = this.find(address, now)
    if (client === NO_CLIENT) return NO_CLIENT
    const connections = this.#connections[client] ?? 0
    if (connections >= this.limits.connections) return TOO_MANY_CONNECTIONS
    this.#connections[client] = connections + 1
    return client
  }

  close(client: number): void {
    if (client > NO_CLIENT) this.#connections[client] = Math.max(0, (this.#connections[client] ?? 0) - 1)
  }

  /** The client that an address stands for, e.g. one that a trusted proxy names. */
  find(address: string, now: number): number {
    if (this.limits.exempt(address)) return NO_CLIENT
    const key = clientKey(address)
    const known = this.#slots.get(key)
    if (known !== undefined) {
      this.#recent[known] = 1
      return known
    }
    const slot = this.#makeRoom()
    if (slot === NO_CLIENT) return NO_CLIENT
    this.#slots.set(key, slot)
    this.#keys[slot] = key
    this.#recent[slot] = 1
    this.#connections[slot] = 0
    this.#tokens[slot] = this.limits.unknownBurst
    this.#at[slot] = now
    return slot
  }

  /** Whether a request to a host that nobody has is answered; if not, the connection is better closed. */
  admitUnknown(client: number, now: number): boolean {
    const { unknownPerSecond, unknownBurst } = this.limits
    const elapsedMs = Math.max(0, now - (this.#at[client] ?? now))
    const tokens = Math.min(unknownBurst, (this.#tokens[client] ?? 0) + (elapsedMs * unknownPerSecond) / 1000)
    this.#at[client] = now
    this.#tokens[client] = tokens >= 1 ? tokens - 1 : tokens
    return tokens >= 1
  }

  /** A slot that was never used, or that of a client that has nothing open and was not seen for a round of the hand. */
  #makeRoom(): number {
    const { capacity } = this.limits
    if (this.#free <= capacity) return this.#free++
    for (let looked = 0; looked < 2 * capacity; looked += 1) {
      this.#hand = (this.#hand % capacity) + 1
      if ((this.#connections[this.#hand] ?? 0) > 0) continue
      if (this.#recent[this.#hand] === 1) this.#recent[this.#hand] = 0
      else {
        this.#slots.delete(this.#keys[this.#hand] ?? '')
        return this.#hand
      }
    }
    return NO_CLIENT
  }
}

/**
 * One client may have a whole /64 of IPv6 (RFC 6177), so that is what counts. An IPv4 address in IPv6 clothes (RFC 4291
 * §2.5.5.2) is that IPv4 address.
 */
export function clientKey(address: string): string {
  if (!address.includes(':')) return address
  const bare = address.replace(/%.*$/, '').toLowerCase()
  const mapped = /^(?:0{0,4}:){2,5}ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)
  if (mapped?.[1]) return mapped[1]
  const [head = '', tail] = bare.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const gap = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length)
  const groups = [...first, ...new Array<string>(gap).fill('0'), ...last].slice(0, 4)
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '') || '0').join(':')}::/64`
}
