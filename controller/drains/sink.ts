/** Where the lines of a drain go, whichever way. */
import type { DrainLine } from '#core/domain/drain.ts'

export type Sink = {
  /**
   * Resolves when the receiver has them, as far as its protocol can tell.
   * @throws REFUSED_LINES when these very lines are not wanted, and sending them again is no use; else what went wrong
   */
  send(lines: DrainLine[], signal: AbortSignal): Promise<void>
  close(): void
}

/** The receiver took the batch for wrong: the next one may be right. */
export class LinesRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'LinesRefused'
  }
}
