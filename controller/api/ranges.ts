/** Answers with bytes of known length, or with their end where the caller has the beginning already (RFC 9110 §14). */
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'

/** @param read the bytes from an offset on */
export async function sendRange(
  res: Response,
  bytes: number,
  read: (from: number) => Promise<Readable>,
): Promise<void> {
  res.setHeader('Content-Type', 'application/octet-stream')
  res.setHeader('Accept-Ranges', 'bytes')
  const from = rangeStart(res.req.headers.range, bytes)
  if (from === null) {
    res.setHeader('Content-Range', `bytes */${bytes}`)
    return void res.status(416).end()
  }
  res.setHeader('Content-Length', bytes - from)
  if (from > 0) res.status(206).setHeader('Content-Range', `bytes ${from}-${bytes - 1}/${bytes}`)
  if (res.req.method === 'HEAD') return void res.end()
  await pipeline(await read(from), res)
}

/**
 * Ranges of other kinds than `bytes=N-` are not understood, which means the whole (RFC 9110 §14.2).
 * @returns where to begin; null when that is beyond the end
 */
export function rangeStart(header: string | undefined, bytes: number): number | null {
  const start = /^bytes=(\d{1,15})-$/.exec(header ?? '')?.[1]
  if (start === undefined) return 0
  return Number(start) < bytes ? Number(start) : null
}
