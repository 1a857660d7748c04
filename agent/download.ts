/**
 * Fetches a file that may take long: what arrived stays on disk, and the next try, in this life of the agent or a later
 * one, goes on where the last one broke off (RFC 9110 §14).
 */
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'

export type Downloading = {
  /** Where the bytes go; what is there already is the beginning of them. */
  file: string
  /** Asks for the bytes from an offset on. @throws when the other side says no, which ends the download */
  ask: (from: number) => Promise<Response>
  signal: AbortSignal
  /** How long to go on without a single byte, in ms. */
  patienceMs: number
}

const PAUSE_MS = 500

/** @throws what `ask` throws; the last failure when nothing has come for as long as the patience lasts */
export async function download({ file, ask, signal, patienceMs }: Downloading): Promise<void> {
  let have = await sizeOf(file)
  for (let silentMs = 0; ;) {
    const response = await ask(have)
    // Nothing comes after the end: it had all arrived.
    if (response.status === 416) return
    // Whoever does not know ranges sends the whole.
    if (response.status !== 206 && have > 0) await rm(file, { force: true })
    try {
      if (!response.body) throw new Error('the answer has no body')
      const body = Readable.fromWeb(response.body)
      await pipeline(body, createWriteStream(file, { flags: 'a', mode: 0o600 }), { signal })
      return
    } catch (error) {
      signal.throwIfAborted()
      if (isFull(error)) throw error
      const had = have
      have = await sizeOf(file)
      silentMs = have > had ? 0 : silentMs + PAUSE_MS
      if (silentMs >= patienceMs)
        throw new Error(`The download broke off after ${have} bytes: ${messageOf(error)}`, { cause: error })
      await sleep(PAUSE_MS, signal)
    }
  }
}

const isFull = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOSPC'

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )
