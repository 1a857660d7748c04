/** Answers that go on: newline-delimited JSON, one object a line, until there is no more or the client leaves. */
import { once } from 'node:events'
import type { Response } from 'express'

export type LineStream = {
  /** Resolves when the client can take more. */
  write(value: unknown): Promise<void>
  end(): void
  /** Aborted when the client leaves or the controller stops. */
  signal: AbortSignal
}

export function streamLines(res: Response, stopping: AbortSignal): LineStream {
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
