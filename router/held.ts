/** Requests that wait for an instance: their app is starting, or each of its instances has as much as it may have. */
import type { AppId } from '#core/domain/ids.ts'
import type { Call } from './call.ts'
import { MAX_HELD } from './limits.ts'

export class Held {
  #queues = new Map<AppId, Set<Call>>()

  /** @returns false when too many wait already */
  hold(app: AppId, call: Call, until: number): boolean {
    const queue = this.#queues.get(app) ?? new Set()
    if (queue.size >= MAX_HELD) return false
    call.heldUntil = until
    queue.add(call)
    this.#queues.set(app, queue)
    return true
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0
  }

  /** Takes the one of an app that waits longest. */
  takeFirst(app: AppId): Call | null {
    const queue = this.#queues.get(app)
    for (const call of queue ?? []) {
      this.remove(app, call)
      return call
    }
    return null
  }

  /** Takes all, for a table that may have changed everything. */
  takeAll(): Call[] {
    const all = [...this.#queues.values()].flatMap((queue) => [...queue])
    this.#queues.clear()
    return all
  }

  takeLate(now: number): Call[] {
    const late: Call[] = []
    for (const [app, queue] of this.#queues)
      for (const call of queue) {
        if (now < call.heldUntil) break
        late.push(call)
        this.remove(app, call)
      }
    return late
  }

  remove(app: AppId, call: Call): void {
    const queue = this.#queues.get(app)
    if (queue?.delete(call) && queue.size === 0) this.#queues.delete(app)
  }
}
