/** What is said on a socket: gathered until it is worth a system call, and never more than the other end takes in. */
import type { Socket } from 'node:net'
import { latin1, READ_BYTES, SMALL_BYTES, writeCopy } from './buffers.ts'
import type { Clock } from './clock.ts'

export class Outlet {
  readonly #socket: Socket
  readonly #clock: Clock
  #text = ''
  /** Since when the other end has not taken in what is there, ms of the router's clock; 0 when it has. */
  congestedSince = 0

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
  }

  /** How much of what was said has not left the process. */
  get unsent(): number {
    return this.#text.length + this.#socket.writableLength
  }

  /** @param text Latin-1, one character for one byte */
  say(text: string): void {
    this.#text += text
    if (this.#text.length > READ_BYTES) this.flush()
  }

  /** Says bytes that the caller keeps. */
  pass(bytes: Buffer, from: number, to: number): void {
    if (to - from <= SMALL_BYTES) return this.say(latin1(bytes, from, to))
    this.flush()
    if (!writeCopy(this.#socket, bytes, from, to)) this.beCongested()
  }

  /** @returns false when nothing more should be said until `drained` */
  flush(): boolean {
    if (this.#text !== '') {
      const text = this.#text
      this.#text = ''
      if (!this.#socket.write(text, 'latin1')) this.beCongested()
    }
    return this.congestedSince === 0
  }

  drained(): void {
    this.congestedSince = 0
  }

  /** Counts from now on as one that does not take in what is there. */
  beCongested(): void {
    if (this.congestedSince === 0) this.congestedSince = this.#clock.now
  }
}
