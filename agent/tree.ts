/**
 * Looks over files that a tenant's build left before the platform, as root, works with them: never opens one and never
 * follows a link.
 */
import { spawn } from 'node:child_process'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { notPackable } from '#core/domain/errors.ts'

/** What a packer has to know: how many files, folders and links there are, and how many bytes the longest name has. */
export type TreeSize = { entries: number; nameBytes: number }
export type TreeLimits = { bytes: number; entries: number; depth: number; pathBytes: number }

/** Far beyond what programs make, and well below where packing would run out of path (PATH_MAX is 4096 bytes). */
const MAX_DEPTH = 128
const MAX_PATH_BYTES = 2048
/** The largest node_modules folders of single apps have some 200,000; each entry costs the packer memory. */
const MAX_ENTRIES = 500_000

/**
 * Measures a folder as a packer would read it. The image that the build writes to bounds blocks and files; it bounds
 * neither the length of a file with holes, every zero of which would be read, nor how deep folders lie in each other. What is
 * neither file, folder nor link has no place in a slug: a pipe or a socket without its process is a trap for who opens it.
 * @param bytes how long all files may be together
 * @throws NOT_PACKABLE naming what is too much, and the path
 */
export async function checkTree(folder: string, bytes: number, signal: AbortSignal): Promise<TreeSize> {
  const limits: TreeLimits = { bytes, entries: MAX_ENTRIES, depth: MAX_DEPTH, pathBytes: MAX_PATH_BYTES }
  const { judge, size } = judgeTree(limits)
  // find goes from folder to folder by descriptor, so that no depth is too deep for it.
  const child = spawn('find', ['.', '-xdev', '-mindepth', '1', '-printf', FIND_FORMAT], {
    cwd: folder,
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-500)))
  let why: string | null = null
  // Bytes as characters, one for one: names of files need not be UTF-8. It is read on when enough is known: only then it ends.
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    why ??= judge(chunk)
    if (why !== null) child.kill()
  })
  const code = await ended
  if (why !== null) throw notPackable(why)
  if (code !== 0) throw new Error(`find failed (${code}): ${complaint.trim()}`)
  return size
}

/** Kind, depth, length, number of names, inode and path of each file, with a NUL at the end. */
const FIND_FORMAT = '%y %d %s %n %i %P\\0'

/** find's letters (find(1), "-printf", %y). */
const foreignKinds: Record<string, string> = {
  p: 'a named pipe',
  s: 'a socket',
  c: 'a device',
  b: 'a device',
  D: 'a door',
}

/** @returns a function that takes find's output in chunks and says what is too much, or null; and the size of what it has taken */
export function judgeTree(limits: TreeLimits): { judge: (chunk: string) => string | null; size: TreeSize } {
  let rest = ''
  let bytes = 0
  const sizes: TreeSize = { entries: 0, nameBytes: 0 }
  const counted = new Set<string>()
  const judge = (chunk: string) => {
    const records = (rest + chunk).split('\0')
    rest = records.pop() ?? ''
    for (const record of records) {
      const [kind = '', depth = '', size = '', names = '', inode = '', ...path] = record.split(' ')
      const shown = JSON.stringify(Buffer.from(path.join(' '), 'latin1').toString('utf8').slice(0, 200))
      const foreign = foreignKinds[kind]
      if (foreign !== undefined) return `${shown} is ${foreign}, and only files, folders and links can be in a slug`
      sizes.entries += 1
      sizes.nameBytes = Math.max(sizes.nameBytes, (path.join(' ').split('/').at(-1) ?? '').length)
      if (sizes.entries > limits.entries)
        return `there are more than ${limits.entries} files and folders, the last one ${shown}`
      if (Number(depth) > limits.depth) return `${shown} lies more than ${limits.depth} folders deep`
      if (path.join(' ').length > limits.pathBytes) return `the path ${shown}… is longer than ${limits.pathBytes} bytes`
      if (kind !== 'f' || counted.has(inode)) continue
      if (Number(names) > 1) counted.add(inode)
      bytes += Number(size)
      if (bytes > limits.bytes)
        return `its files are together longer than ${Math.round(limits.bytes / 1024 / 1024)} MB, ${shown} alone has ${size} bytes`
    }
    return null
  }
  return { judge, size: sizes }
}

/**
 * What is at a path below a folder, where every part of the path must be a real folder: a link there would have root, or
 * the OCI runtime, work somewhere else on the host.
 */
export async function folderAt(root: string, path: string): Promise<'folder' | 'nothing' | 'other'> {
  let place = root
  for (const part of path.split('/')) {
    place = join(place, part)
    const status = await lstat(place).catch(() => null)
    if (!status) return 'nothing'
    if (!status.isDirectory()) return 'other'
  }
  return 'folder'
}
