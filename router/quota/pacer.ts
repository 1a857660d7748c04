/**
 * Holds a tenant inside its bandwidth: what has passed of a body is charged, and a side that was too fast is read no further
 * until its credit is back. Nothing is thrown away, and nobody is refused.
 */
import type { Call } from '../call.ts'
import type { Clock } from '../clock.ts'
import type { Quotas } from './quotas.ts'

export class Pacer {
  readonly #quotas: Quotas
  readonly #clock: Clock

  constructor(quotas: Quotas, clock: Clock) {
    this.#quotas = quotas
    this.#clock = clock
  }

  /**
   * Charges what came of the request's body.
   * @param goOn called when more may be read
   * @returns whether it may be read now
   */
  mayRead(call: Call, goOn: (call: Call) => void): boolean {
    if (call.pausedIn || call.standing === null) return !call.pausedIn
    const ms = this.#quotas.pace(call.standing, 'in', call.bodyBytes - call.chargedIn, this.#clock.now)
    call.chargedIn = call.bodyBytes
    if (ms <= 0) return true
    call.pausedIn = true
    setTimeout(() => {
      call.pausedIn = false
      if (!call.over && this.mayRead(call, goOn)) goOn(call)
    }, ms)
    return false
  }

  /** The same of the response's body. */
  mayAnswer(call: Call, goOn: (call: Call) => void): boolean {
    if (call.pausedOut || call.standing === null) return !call.pausedOut
    const ms = this.#quotas.pace(call.standing, 'out', call.answerBytes - call.chargedOut, this.#clock.now)
    call.chargedOut = call.answerBytes
    if (ms <= 0) return true
    call.pausedOut = true
    setTimeout(() => {
      call.pausedOut = false
      if (!call.over && this.mayAnswer(call, goOn)) goOn(call)
    }, ms)
    return false
  }

  /** Charges what a call that is over still owes, so that many small bodies cost what a large one does. */
  settle(call: Call): void {
    const { standing, bodyBytes, chargedIn, answerBytes, chargedOut } = call
    if (standing === null) return
    if (bodyBytes > chargedIn) this.#quotas.pace(standing, 'in', bodyBytes - chargedIn, this.#clock.now)
    if (answerBytes > chargedOut) this.#quotas.pace(standing, 'out', answerBytes - chargedOut, this.#clock.now)
  }
}
