/** Server-sent events (WHATWG HTML §9.2) to one client. One that takes nothing for half a minute is cut: it comes again. */
import type { Response } from 'express'

export type EventStream = {
  /**
   * @param data one line
   * @returns false when the client should be given time to take what it was sent
   */
  send(event: string | null, data: string): boolean
  /** Called each time that the client has taken all. */
  onReady(then: () => void): void
  end(): void
  /** Aborted when the client leaves, is cut, or the controller stops. */
  signal: AbortSignal
}

const HEARTBEAT_MS = 15_000
const PATIENCE_MS = 30_000
/** When a client that was cut comes again. */
const RETRY_MS = 2_000

/** @param patienceMs how long a client may take nothing of what it was sent */
export function openEventStream(res: Response, stopping: AbortSignal, patienceMs = PATIENCE_MS): EventStream {
  const left = new AbortController()
  const signal = AbortSignal.any([left.signal, stopping])
  let isFull = false
  let patience: NodeJS.Timeout | undefined

  const write = (text: string): boolean => {
    if (signal.aborted || res.write(text)) return true
    isFull = true
    patience ??= setTimeout(() => res.destroy(), patienceMs)
    return false
  }
  const beating = setInterval(() => !isFull && write(':\n\n'), HEARTBEAT_MS)
  res.on('drain', () => {
    isFull = false
    clearTimeout(patience)
    patience = undefined
  })
  res.on('close', () => {
    clearInterval(beating)
    clearTimeout(patience)
    left.abort()
  })
  stopping.addEventListener('abort', () => res.end(), { once: true, signal: left.signal })

  res.status(200).type('text/event-stream').setHeader('Cache-Control', 'no-store')
  // Proxies that buffer (nginx) would hold the events back.
  res.setHeader('X-Accel-Buffering', 'no')
  res.flushHeaders()
  write(`retry: ${RETRY_MS}\n\n`)
  return {
    send: (event, data) => write(`${event === null ? '' : `event: ${event}\n`}data: ${data}\n\n`),
    onReady: (then) => void res.on('drain', then),
    end: () => void res.end(),
    signal,
  }
}
