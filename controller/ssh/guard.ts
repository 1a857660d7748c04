/** ◆ Who may connect: so many connections in all and of one address, and a pause for an address that keeps failing. */

export type Guard = {
  /** @param now ms. @returns why not, or null and it is counted */
  enter(address: string, now: number): 'full' | 'tooMany' | 'failedTooOften' | null
  leave(address: string): void
  failed(address: string, now: number): void
}

export type GuardLimits = { total: number; perAddress: number; failures: number; forgetAfterMs: number }

/** Twenty keys that an agent offers in vain are two logins, not an attack. */
export const usualGuard: GuardLimits = { total: 200, perAddress: 20, failures: 60, forgetAfterMs: 10 * 60_000 }

const MAX_REMEMBERED = 10_000

export function createGuard(limits: GuardLimits): Guard {
  const connected = new Map<string, number>()
  const failures = new Map<string, { count: number; since: number }>()
  let total = 0

  const isFailing = (address: string, now: number): boolean => {
    const record = failures.get(address)
    if (!record) return false
    if (now - record.since < limits.forgetAfterMs) return record.count >= limits.failures
    failures.delete(address)
    return false
  }

  return {
    enter(address, now) {
      if (isFailing(address, now)) return 'failedTooOften'
      if (total >= limits.total) return 'full'
      const own = connected.get(address) ?? 0
      if (own >= limits.perAddress) return 'tooMany'
      connected.set(address, own + 1)
      total++
      return null
    },
    leave(address) {
      total--
      const left = (connected.get(address) ?? 1) - 1
      if (left > 0) connected.set(address, left)
      else connected.delete(address)
    },
    failed(address, now) {
      isFailing(address, now)
      const record = failures.get(address) ?? { count: 0, since: now }
      failures.set(address, { ...record, count: record.count + 1 })
      const [oldest] = failures.keys()
      if (failures.size > MAX_REMEMBERED && oldest !== undefined) failures.delete(oldest)
    },
  }
}

/** An IPv6 customer has a /64 of addresses; an IPv4 address may come mapped into IPv6 (RFC 4291 §2.5.5.2). */
export function addressGroup(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}
