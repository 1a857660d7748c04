/** Slugs as files (core/domain/slug-file.ts): made of what the store has, and taken in from whoever sends one. */
import { createHash, type Hash } from 'node:crypto'
import { Readable, Transform } from 'node:stream'
import { parse } from '#core/contract/schema.ts'
import { MAX_SMALL_FILE_BYTES, slugManifest, type SlugManifest } from '#core/contract/slug-file.ts'
import { BerthError, notFound, slugFileRefused } from '#core/domain/errors.ts'
import type { LayerDigest } from '#core/domain/ids.ts'
import { IMAGE_HEAD_BYTES, imageTime } from '#core/domain/image.ts'
import type { Release } from '#core/domain/release.ts'
import {
  digestOfEntry,
  END_BYTES,
  entryBytes,
  entryHeader,
  layerEntry,
  MANIFEST,
  paddingOf,
  splitEntries,
  type Entry,
} from '#core/domain/slug-file.ts'
import type { Layers } from '../layers.ts'

// ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type SlugFile = { bytes: number; content: Readable }

/**
 * @param origin for people: whose it is
 * @throws NOT_FOUND when a layer is not in the store any more
 */
export async function slugFile(layers: Layers, release: Release, origin: string): Promise<SlugFile> {
  const entries: { digest: LayerDigest; bytes: number }[] = []
  for (const { digest } of release.slug.layers) {
    const bytes = await layers.size(digest)
    if (bytes === null) throw notFound('layer', digest)
    entries.push({ digest, bytes })
  }
  const manifest: SlugManifest = {
    format: 'berth-slug',
    version: 1,
    slug: release.slug as SlugManifest['slug'],
    commit: release.commit,
    origin,
  }
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
  const time = await packedAt(layers, entries.at(-1)?.digest)
  async function* content(): AsyncGenerator<Uint8Array> {
    yield* entryOf({ name: MANIFEST, bytes: text.length, time }, [text])
    for (const { digest, bytes } of entries)
      yield* entryOf({ name: layerEntry(digest), bytes, time }, await layers.read(digest))
    yield new Uint8Array(END_BYTES)
  }
  const bytes = [text.length, ...entries.map((entry) => entry.bytes)].map(entryBytes).reduce((a, b) => a + b, END_BYTES)
  return { bytes, content: Readable.from(content()) }
}

async function* entryOf(entry: Entry, content: AsyncIterable<Uint8Array> | Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield entryHeader(entry)
  yield* content
  yield new Uint8Array(paddingOf(entry.bytes))
}

/** The time that an image's files have, in seconds since 1970: so that who packs them again makes the same bytes. */
async function packedAt(layers: Layers, digest: LayerDigest | undefined): Promise<number> {
  if (digest === undefined) return 0
  let head = Buffer.alloc(0)
  for await (const chunk of await layers.read(digest)) {
    head = Buffer.concat([head, chunk as Buffer])
    if (head.length >= IMAGE_HEAD_BYTES) break
  }
  return imageTime(head)
}

// ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Inspected = { through: Transform; manifest: () => SlugManifest }

/**
 * A stream that lets a slug file pass and looks at it on its way: the manifest first and in its shape, then its layers, all
 * of them, in their order, each with the bytes that its digest says. It breaks off with SLUG_FILE_REFUSED.
 */
export function inspectSlugFile(): Inspected {
  const split = splitEntries()
  let manifest: SlugManifest | null = null
  let small: Buffer[] | null = null
  let expected: LayerDigest[] = []
  let open: { digest: LayerDigest; hash: Hash } | null = null
  let ended = false

  function closeEntry(): void {
    if (small !== null) {
      manifest = parseManifest(Buffer.concat(small))
      expected = manifest.slug.layers.map(({ digest }) => digest)
      small = null
    }
    if (open !== null) {
      const found = open.hash.digest('hex')
      if (found !== open.digest)
        throw slugFileRefused(`the bytes of the layer ${open.digest} have the checksum ${found}`)
      open = null
    }
  }

  function openEntry({ name, bytes }: Entry): void {
    closeEntry()
    if (manifest === null) {
      if (name !== MANIFEST) throw slugFileRefused(`it begins with ${name} instead of ${MANIFEST}`)
      if (bytes > MAX_SMALL_FILE_BYTES) throw slugFileRefused(`its ${MANIFEST} has ${bytes} bytes`)
      small = []
      return
    }
    const digest = digestOfEntry(name)
    const next = expected.shift()
    if (digest === null || digest !== next)
      throw slugFileRefused(
        `${name} comes where the manifest has ${next === undefined ? 'nothing more' : layerEntry(next)}`,
      )
    open = { digest, hash: createHash('sha256') }
  }

  function take(chunk: Buffer): void {
    for (const part of split(chunk)) {
      if (part.kind === 'entry') openEntry(part.entry)
      else if (part.kind === 'bytes') {
        small?.push(Buffer.from(part.bytes))
        open?.hash.update(part.bytes)
      } else {
        closeEntry()
        if (expected[0] !== undefined) throw slugFileRefused(`the layer ${expected[0]} is missing`)
        if (manifest === null) throw slugFileRefused('it is empty')
        ended = true
      }
    }
  }

  const guarded = (work: () => void, done: (error?: Error | null, chunk?: Buffer) => void, chunk?: Buffer) => {
    try {
      work()
    } catch (error) {
      return done(error as Error)
    }
    done(null, chunk)
  }
  return {
    through: new Transform({
      transform: (chunk: Buffer, _encoding, done) => guarded(() => take(chunk), done, chunk),
      flush: (done) =>
        guarded(() => {
          if (!ended) throw slugFileRefused('it breaks off before its end')
        }, done),
    }),
    manifest: () => {
      if (manifest === null) throw slugFileRefused('it is empty')
      return manifest
    },
  }
}

/** Of a file that was looked at when it came in. */
export async function readManifest(file: Readable): Promise<SlugManifest> {
  const split = splitEntries()
  const text: Uint8Array[] = []
  let entries = 0
  try {
    for await (const chunk of file)
      for (const part of split(chunk as Buffer)) {
        if (part.kind !== 'bytes') entries += 1
        else if (entries === 1) text.push(part.bytes)
        if (entries > 1) return parseManifest(Buffer.concat(text))
      }
  } finally {
    file.destroy()
  }
  throw slugFileRefused('it breaks off before its end')
}

/** @throws SLUG_FILE_REFUSED naming what is wrong in it */
function parseManifest(text: Buffer): SlugManifest {
  try {
    return parse(slugManifest, JSON.parse(text.toString('utf8')), MANIFEST)
  } catch (error) {
    if (error instanceof BerthError) throw slugFileRefused(error.message.replace(/\.$/, ''))
    throw slugFileRefused(`its ${MANIFEST} is not JSON`)
  }
}
