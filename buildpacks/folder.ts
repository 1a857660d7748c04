/** Reads the app's folder, whose every file is the tenant's: bounded, never blocking on what is not a plain file. */
import { constants } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { invalidFile, type AppFolder } from './contract.ts'

export const KIB = 1024
export const MIB = 1024 * KIB

export function openFolder(path: string): AppFolder {
  return {
    path,
    read: (name, limitBytes) => readBounded(join(path, name), name, limitBytes),
    async has(name) {
      const status = await stat(join(path, name)).catch(() => null)
      return status?.isFile() ?? false
    },
    async names(folder = '.') {
      const names = await readdir(join(path, folder)).catch(() => [])
      return names.sort()
    },
  }
}

async function readBounded(path: string, name: string, limitBytes: number): Promise<string | null> {
  // A FIFO or a device must not make the build wait.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw invalidFile(`${name} cannot be read (${error.code}). Commit it as a plain file.`, error)
  })
  if (!file) return null
  try {
    const status = await file.stat()
    if (!status.isFile()) throw invalidFile(`${name} is not a plain file. Commit it as one, or remove it.`)
    if (status.size > limitBytes)
      throw invalidFile(`${name} has ${status.size} bytes; at most ${limitBytes} bytes are read. Make it smaller.`)
    const buffer = Buffer.alloc(status.size)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return buffer.toString('utf8', 0, length).replace(/^\uFEFF/, '')
  } finally {
    await file.close()
  }
}
