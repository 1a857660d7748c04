/**
 * Requests in their app's own log: a line each, so many a second of an app, and then how many more there were. Lines wait
 * here for a moment and go out together; what waits is bounded, so that a store that is away costs lines and nothing else.
 */
import type { AppId } from '#core/domain/ids.ts'
import { describeDropped } from '#core/domain/log.ts'
import type { Call } from './call.ts'

export type RouterLine = { at: string; source: 'router'; ps: 'router'; line: string }
/** Positions rise, so that what is handed on again is stored once. */
export type AppendLines = (
  app: AppId,
  lines: { position: number; entry: RouterLine }[],
  dropped: number,
) => Promise<unknown>

type Waiting = {
  /** Lines in this second. */
  taken: number
  /** Requests without a line, that are not told yet; and those that are, by one of the lines that wait. */
  dropped: number
  telling: number
  lines: { position: number; entry: RouterLine }[]
}

/** Of one app, by one router process. */
export const LINES_A_SECOND = 10
/** Of all apps, that wait for the store. */
const MAX_WAITING = 5_000
/** Of one app. */
const MAX_WAITING_OF_ONE = 100
const MAX_PATH = 200

export class AppLog {
  #apps = new Map<AppId, Waiting>()
  #latest: { id: AppId; app: Waiting } | null = null
  #waiting = 0
  #dropped = 0
  #position = 0
  #append: AppendLines
  #now: () => number

  /** @param now ms since 1970 */
  constructor(append: AppendLines, now: () => number) {
    this.#append = append
    this.#now = now
  }

  /** Every request comes by here, so no clock is asked for those that get no line. @param ms how long the request took */
  add(call: Call, ms: number): void {
    const { route } = call
    if (route === null) return
    const app = this.#of(route.appId)
    if (app.taken >= LINES_A_SECOND || app.lines.length >= MAX_WAITING_OF_ONE || this.#waiting >= MAX_WAITING) {
      app.dropped += 1
      this.#dropped += 1
      return
    }
    app.taken += 1
    this.#push(app, describe(call, ms))
  }

  /** Requests that got no line, since this process began. */
  get dropped(): number {
    return this.#dropped
  }

  /** A second is over: what was dropped in it is told, and each app may have lines again. */
  turn(): void {
    for (const [id, app] of this.#apps) {
      if (app.taken === 0 && app.dropped === 0 && app.lines.length === 0) this.#apps.delete(id)
      if (app.dropped > 0) this.#tellDropped(app)
      app.taken = 0
    }
    this.#latest = null
  }

  /** Hands on what waits. @throws the first failure; what was not handed on waits on */
  async flush(): Promise<void> {
    for (const [id, app] of this.#apps) if (app.lines.length > 0) await this.#send(id, app)
  }

  #tellDropped(app: Waiting): void {
    // While the log is away one word about them is enough.
    if (app.lines.length > MAX_WAITING_OF_ONE) return
    const why = `more than ${LINES_A_SECOND} requests a second, or the log was away.`
    this.#push(app, describeDropped(app.dropped, why))
    app.telling += app.dropped
    app.dropped = 0
  }

  async #send(id: AppId, app: Waiting): Promise<void> {
    const { length } = app.lines
    const { telling } = app
    await this.#append(id, app.lines.slice(), telling)
    app.lines.splice(0, length)
    app.telling -= telling
    this.#waiting -= length
  }

  #push(app: Waiting, line: string): void {
    this.#waiting += 1
    const at = new Date(this.#now()).toISOString()
    app.lines.push({ position: ++this.#position, entry: { at, source: 'router', ps: 'router', line } })
  }

  #of(id: AppId): Waiting {
    if (this.#latest?.id === id) return this.#latest.app
    let app = this.#apps.get(id)
    if (!app) this.#apps.set(id, (app = { taken: 0, dropped: 0, telling: 0, lines: [] }))
    this.#latest = { id, app }
    return app
  }
}

/** The grammar of requests lets no control characters through; ids and codes are ours. */
function describe({ head, host, status, code, bytesOut, instanceId, id }: Call, ms: number): string {
  const { method, target } = head
  const path = target.length > MAX_PATH ? `${target.slice(0, MAX_PATH)}…` : target
  const facts = [
    `host=${host.slice(0, 100)}`,
    `status=${status}`,
    `ms=${Math.round(ms * 10) / 10}`,
    `bytes=${bytesOut}`,
    ...(instanceId === null ? [] : [`instance=${instanceId}`]),
    ...(code === null ? [] : [`code=${code}`]),
    `id=${id}`,
  ]
  return `${method} ${path} ${facts.join(' ')}`
}
