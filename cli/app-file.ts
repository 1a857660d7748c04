/** Reads the front of an exported app's file: what is set for the app, its sealed config vars, and where its slug begins. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { parse } from '#core/contract/schema.ts'
import { exportedApp, MAX_SMALL_FILE_BYTES, type ExportedApp } from '#core/contract/slug-file.ts'
import { messageOf } from '#core/domain/errors.ts'
import { APP_FILE, entryBytes, MANIFEST, SEALED_CONFIG, splitEntries } from '#core/domain/slug-file.ts'
import { failed } from './failures.ts'

export type AppFile = {
  app: ExportedApp
  sealed: Buffer | null
  /** Where the slug's archive begins in the file, and how long it is; null: there is no code in it. */
  slug: { from: number; bytes: number } | null
}

/** @throws exit code 1 with what is wrong with it */
export async function readAppFile(path: string, shown: string): Promise<AppFile> {
  try {
    return await read(path)
  } catch (error) {
    throw failed(`${shown} cannot be imported: ${messageOf(error)}`)
  }
}

async function read(path: string): Promise<AppFile> {
  const { size } = await stat(path)
  const split = splitEntries()
  const front = new Map<string, Buffer[]>()
  let from = 0
  let content: Buffer[] = []
  let slug: AppFile['slug'] = null
  reading: for await (const chunk of createReadStream(path))
    for (const part of split(chunk as Buffer)) {
      if (part.kind === 'bytes') content.push(Buffer.from(part.bytes))
      else if (part.kind === 'end') break reading
      else {
        const { name, bytes } = part.entry
        if (name === MANIFEST) {
          slug = { from, bytes: size - from }
          break reading
        }
        if (name !== APP_FILE && name !== SEALED_CONFIG) throw new Error(`${name} comes before ${MANIFEST}.`)
        if (bytes > MAX_SMALL_FILE_BYTES) throw new Error(`${name} in it has ${bytes} bytes.`)
        content = []
        front.set(name, content)
        from += entryBytes(bytes)
      }
    }
  const text = front.get(APP_FILE)
  if (!text) throw new Error(`there is no ${APP_FILE} in it. A slug alone is deployed with: berth slugs:deploy`)
  const app = parse(exportedApp, readJson(Buffer.concat(text)), APP_FILE)
  const sealed = front.get(SEALED_CONFIG)
  return { app, sealed: sealed ? Buffer.concat(sealed) : null, slug }
}

function readJson(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'))
  } catch {
    throw new Error(`its ${APP_FILE} is not JSON.`)
  }
}
