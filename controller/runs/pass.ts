/** Messages of one WebSocket, passed on to another. */
import type { RawData, WebSocket } from 'ws'
import { MAX_WAITING_BYTES } from '#core/contract/session.ts'

export const textOf = (data: RawData): string =>
  (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer)).toString()

/** Passes messages on, and stops reading while the other side does not keep up. */
export function pass(from: WebSocket, to: WebSocket): void {
  from.on('message', (data, isBinary) => {
    if (to.readyState !== to.OPEN) return
    to.send(data, { binary: isBinary }, () => {
      if (from.isPaused && to.bufferedAmount < MAX_WAITING_BYTES) from.resume()
    })
    if (to.bufferedAmount >= MAX_WAITING_BYTES) from.pause()
  })
}
