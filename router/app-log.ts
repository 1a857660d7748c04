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
  /** In which `taken` lines were taken. */
  second: number
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

  /** @param ms how long the request took */
  add(call: Call, ms: number): void {
    if (call.route === null) return
    const now = this.#now()
    const app = this.#of(call.route.appId, Math.floor(now / 1000))
    const isTooMuch = app.taken >= LINES_A_SECOND || app.lines.length >= MAX_WAITING_OF_ONE
    if (isTooMuch || this.#waiting >= MAX_WAITING) {
      app.dropped += 1
      this.#dropped += 1
      return
    }
    app.taken += 1
    this.#push(app, describe(call, ms), now)
  }

  /** Requests that got no line, since this process began. */
  get dropped(): number {
    return this.#dropped
  }

  /** Hands on what waits. @throws the first failure; what was not handed on waits on */
  async flush(): Promise<void> {
    const now = this.#now()
    const second = Math.floor(now / 1000)
    for (const [id, app] of this.#apps) {
      // What is dropped in a second is told when it is over.
      if (app.second !== second && app.dropped > 0) this.#tellDropped(app, now)
      if (app.lines.length > 0) await this.#send(id, app)
      else if (app.second < second - 1) this.#apps.delete(id)
    }
  }

  #tellDropped(app: Waiting, now: number): void {
    const why = `more than ${LINES_A_SECOND} requests a second, or the log was away.`
    this.#push(app, describeDropped(app.dropped, why), now)
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

  #push(app: Waiting, line: string, now: number): void {
    this.#waiting += 1
    const entry = { at: new Date(now).toISOString(), source: 'router', ps: 'router', line } as const
    app.lines.push({ position: ++this.#position, entry })
  }

  #of(id: AppId, second: number): Waiting {
    let app = this.#apps.get(id)
    if (!app) this.#apps.set(id, (app = { second, taken: 0, dropped: 0, telling: 0, lines: [] }))
    if (app.second !== second) {
      app.second = second
      app.taken = 0
    }
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
