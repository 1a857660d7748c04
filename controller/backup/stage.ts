/**
 * The first half of a restore: all of a backup is read, checked and laid down in a folder aside. Nothing of what is there is
 * touched before all of it is known to be as it was written.
 */
import { createHash, type Hash } from 'node:crypto'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  backupGrammar,
  CONTENTS,
  HEADER,
  partIn,
  readHeaderText,
  requireWhole,
  type BackupFile,
  type BackupHeader,
} from '#core/domain/backup.ts'
import { backupRefused } from '#core/domain/errors.ts'
import { splitEntries, type Entry } from '#core/domain/slug-file.ts'

export type Staged = { header: BackupHeader; files: BackupFile[] }

const MAX_SMALL_BYTES = 256 * 1024 * 1024

type Open = { name: string; parts: number; bytes: number; hash: Hash; file: FileHandle }

/**
 * @param folder where each file of the backup is laid down, as it is called in it
 * @param onHeader told what the backup is before anything is written; what it throws ends it
 * @throws BACKUP_REFUSED
 */
export async function stage(
  content: AsyncIterable<Uint8Array>,
  folder: string,
  onHeader: (header: BackupHeader) => Promise<void>,
): Promise<Staged> {
  const split = splitEntries(backupGrammar)
  const found = new Map<string, Omit<BackupFile, 'name'>>()
  let header: BackupHeader | null = null
  let small: { name: string; pieces: Uint8Array[]; bytes: number } | null = null
  let current: Open | null = null
  let contents: string | null = null

  async function begin({ name }: Entry): Promise<void> {
    await endSmall()
    if (contents !== null) throw backupRefused(`${name} comes after its manifest`)
    if (name === HEADER || name === CONTENTS) {
      await endFile()
      small = { name, pieces: [], bytes: 0 }
      return
    }
    if (header === null) throw backupRefused('it is not a backup of Berth')
    const named = partIn(name)
    if (named === null) throw backupRefused(`${JSON.stringify(name)} does not belong into it`)
    if (current?.name !== named.file) {
      await endFile()
      current = await create(named.file)
    }
    current.parts += 1
    if (named.part !== current.parts) throw backupRefused(`a part of ${named.file} is missing in it`)
  }

  async function create(name: string): Promise<Open> {
    if (found.has(name)) throw backupRefused(`${name} is twice in it`)
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return { name, parts: 0, bytes: 0, hash: createHash('sha256'), file: await open(path, 'w', 0o600) }
  }

  async function take(bytes: Uint8Array): Promise<void> {
    if (small) {
      small.pieces.push(bytes.slice())
      small.bytes += bytes.length
      if (small.bytes > MAX_SMALL_BYTES) throw backupRefused(`${small.name} in it is too large`)
    } else if (current) {
      current.hash.update(bytes)
      current.bytes += bytes.length
      await current.file.writeFile(bytes)
    }
  }

  async function endSmall(): Promise<void> {
    if (small === null) return
    const text = Buffer.concat(small.pieces).toString('utf8')
    if (small.name === CONTENTS) contents = text
    else {
      header = readHeaderText(text)
      await onHeader(header)
    }
    small = null
  }

  async function endFile(): Promise<void> {
    if (current === null) return
    const { name, bytes, hash, file } = current
    current = null
    await file.sync()
    await file.close()
    found.set(name, { bytes, sha256: hash.digest('hex') })
  }

  try {
    for await (const chunk of content) {
      for (const part of split(chunk)) {
        if (part.kind === 'entry') await begin(part.entry)
        else if (part.kind === 'bytes') await take(part.bytes)
        else await endSmall()
      }
    }
  } finally {
    await (current as Open | null)?.file.close()
  }
  // The compiler does not see what the functions above assign.
  const [known, manifest] = [header as BackupHeader | null, contents as string | null]
  if (known === null) throw backupRefused('it is not a backup of Berth')
  if (manifest === null) throw backupRefused('it broke off before its end')
  return { header: known, files: requireWhole(manifest, found).files }
}
