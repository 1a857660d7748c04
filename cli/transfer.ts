/** Files that go to the API and come from it: whole or not at all, with progress for what takes longer than a moment. */
import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Context } from './context.ts'
import { failed } from './failures.ts'
import { formatBytes } from './text.ts'

const TELL_EVERY_MS = 2000

/** @throws exit code 1 when there is such a file already */
export async function requireNew(file: string): Promise<void> {
  const there = await stat(file).then(
    () => true,
    () => false,
  )
  if (there) throw failed(`${file} is there already. Name another file with --output, or remove it.`)
}

/** Only its owner may read it: an app's code, and perhaps sealed secrets, are in it. */
export async function save(
  context: Context,
  content: AsyncIterable<Uint8Array>,
  file: string,
  bytes: number | null,
): Promise<void> {
  const partial = `${file}.part`
  try {
    await pipeline(
      Readable.from(content),
      progress(context, 'Saved', bytes),
      createWriteStream(partial, { mode: 0o600 }),
    )
    await rename(partial, file)
  } finally {
    await rm(partial, { force: true })
  }
}

/** Passes bytes on, and says every two seconds how many have passed. @param bytes of how many; null: not known */
export function progress({ out, now }: Pick<Context, 'out' | 'now'>, verb: string, bytes: number | null): Transform {
  let passed = 0
  let told = now()
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length
      if (now() - told >= TELL_EVERY_MS) {
        told = now()
        out.note(`${verb} ${formatBytes(passed)}${bytes === null ? '' : ` of ${formatBytes(bytes)}`}`)
      }
      done(null, chunk)
    },
  })
}
