/** What each app's requests came to since it was last asked: kept for those apps alone that had any. */
import type { Figures } from '#core/domain/figures.ts'
import type { AppId } from '#core/domain/ids.ts'
import { bucketOf, LATENCY_BUCKETS } from '#core/domain/latency.ts'

/** Of one app; counting is a few additions. */
export type AppFigures = Figures & { latency: Uint32Array }

/** Where an app's figures are while there are any. */
export type Counted = { readonly appId: AppId; figures: AppFigures | null }

/** What was given back is used again, so that a busy router allocates nothing. */
const SPARE = 1_000

export class FiguresBook {
  #counted: Counted[] = []
  #spare: AppFigures[] = []

  /** @param status 0: the client left before it had an answer. 101: a WebSocket, whose time says nothing */
  countAnswer(app: Counted, status: number, ms: number): void {
    if (status === 101) return
    const figures = app.figures ?? this.#begin(app)
    figures.requests += 1
    if (status >= 500) figures.errors += 1
    const bucket = bucketOf(ms)
    figures.latency[bucket] = (figures.latency[bucket] ?? 0) + 1
  }

  countBytes(app: Counted, inBytes: number, outBytes: number): void {
    const figures = app.figures ?? this.#begin(app)
    figures.inBytes += inBytes
    figures.outBytes += outBytes
  }

  /** @returns all that was counted since the last time; `giveBack` it when it has been delivered */
  take(): Map<AppId, AppFigures> {
    const taken = new Map<AppId, AppFigures>()
    for (const app of this.#counted) {
      if (app.figures) taken.set(app.appId, app.figures)
      app.figures = null
    }
    this.#counted = []
    return taken
  }

  giveBack(taken: ReadonlyMap<AppId, AppFigures>): void {
    for (const figures of taken.values()) {
      if (this.#spare.length >= SPARE) return
      figures.requests = figures.errors = figures.inBytes = figures.outBytes = 0
      figures.latency.fill(0)
      this.#spare.push(figures)
    }
  }

  #begin(app: Counted): AppFigures {
    this.#counted.push(app)
    return (app.figures = this.#spare.pop() ?? none())
  }
}

const none = (): AppFigures => ({
  requests: 0,
  errors: 0,
  inBytes: 0,
  outBytes: 0,
  latency: new Uint32Array(LATENCY_BUCKETS),
})
