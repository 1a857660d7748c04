/**
 * Answers that go on, until there is no more or the client leaves: newline-delimited JSON, one object a line, or the same
 * objects as server-sent events for whoever asks for those.
 */
import { once } from 'node:events'
import type { Request, Response } from 'express'
import { openEventStream } from './event-stream.ts'

export type LineStream = {
  /** Resolves when the client can take more. */
  write(value: unknown): Promise<void>
  end(): void
  /** Aborted when the client leaves or the controller stops. */
  signal: AbortSignal
}

export function streamLines(res: Response, stopping: AbortSignal): LineStream {
  return wantsEvents(res.req) ? streamEvents(res, stopping) : streamJson(res, stopping)
}

/** Only for those who name it: everything is what most say they take. */
const wantsEvents = ({ headers }: Request): boolean => /\btext\/event-stream\b/i.test(headers.accept ?? '')

function streamJson(res: Response, stopping: AbortSignal): LineStream {
  const left = new AbortController()
  res.on('close', () => left.abort())
  const signal = AbortSignal.any([left.signal, stopping])
  res.status(200).type('application/x-ndjson').setHeader('Cache-Control', 'no-store')
  // Proxies that buffer (nginx) would hold the lines back.
  res.setHeader('X-Accel-Buffering', 'no')
  res.flushHeaders()
  return {
    async write(value) {
      if (signal.aborted || res.write(JSON.stringify(value) + '\n')) return
      await once(res, 'drain', { signal }).catch(() => {})
    },
    end: () => void res.end(),
    signal,
  }
}

function streamEvents(res: Response, stopping: AbortSignal): LineStream {
  const events = openEventStream(res, stopping)
  const { signal } = events
  return {
    async write(value) {
      if (!events.send(null, JSON.stringify(value))) await once(res, 'drain', { signal }).catch(() => {})
    },
    // A browser takes the end of a stream for an accident, and would begin it again.
    end() {
      events.send('end', '{}')
      events.end()
    },
    signal,
  }
}
