/**
 * Packs what a tenant's build left into an image: by the platform, after the tenant's processes are dead. Every file
 * belongs to the app's user and has the same time, none is setuid or setgid; names are kept as they are, links are never
 * followed. The same files make the same bytes, whatever their inodes and in whichever order they were written.
 */
import { rm } from 'node:fs/promises'
import type { ImageKind } from '#core/domain/image.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import type { TreeSize } from './tree.ts'

export type Packing = {
  folder: string
  output: string
  owner: number
  /** Paths below the folder that are left out, with what is in them. */
  without: string[]
  /** What all files' times become, in seconds since 1970; left out: `dependencyTime`. */
  time?: number
  /** What is in the folder, or more than that. */
  size: TreeSize
}

/** That of every file in npm's packages, which for the same reason carry no time of their own: 26 October 1985, 8:15 UTC. */
export const dependencyTime = 499_162_500

/** mkfs.erofs takes 5 KB of memory for each entry, so this many cost 240 MB; mksquashfs stays below its own limit with any number. */
const MAX_EROFS_ENTRIES = 50_000

/** Linux allows one more; mkfs.erofs 1.5, Debian 12's, would cut it off. */
const MAX_EROFS_NAME_BYTES = 254

/** EROFS is read at the speed of the host's own files, squashfs at three quarters of it (docs/decisions/0013). */
export const kindFor = ({ entries, nameBytes }: TreeSize): ImageKind =>
  entries > MAX_EROFS_ENTRIES || nameBytes > MAX_EROFS_NAME_BYTES ? 'squashfs' : 'erofs'

export type HowToPack = {
  signal: AbortSignal
  log: Log
  /** Is told the pid of each program that packs. */
  onStart?: (pid: number) => void
}

/** @returns what it has become: squashfs, too, where mkfs.erofs is missing or fails */
export async function pack(packing: Packing, { signal, log, onStart }: HowToPack): Promise<ImageKind> {
  const started = onStart ? { onStart } : {}
  const make = async (argv: [string, ...string[]]) => {
    await rm(packing.output, { force: true })
    await run(argv, { cwd: packing.folder, signal, timeoutMs: 10 * 60_000, ...started })
  }
  await make(withoutRights)
  if (kindFor(packing.size) === 'erofs') {
    try {
      await make(erofsCommand(packing))
      return 'erofs'
    } catch (error) {
      signal.throwIfAborted()
      // What could be deployed before there was EROFS can still be: whatever it is that its packer stumbles over.
      log.warn('packed as squashfs instead of EROFS', { error })
    }
  }
  await make(squashfsCommand(packing))
  return 'squashfs'
}

/** Takes setuid and setgid from files and folders; it looks at no links, and nobody is left who could put one in the way. */
const withoutRights: [string, ...string[]] = [
  'find',
  '.',
  '-xdev',
  '(',
  '-type',
  'f',
  '-o',
  '-type',
  'd',
  ')',
  '-perm',
  '/6000',
  '-exec',
  'chmod',
  'ug-s',
  '{}',
  '+',
]

/** An image's id would be drawn at random. */
const NO_UUID = '00000000-0000-0000-0000-000000000000'

/**
 * Plain lz4: lz4hc makes images a fifth smaller, and takes a second for each megabyte that cannot be compressed, such as
 * pictures and archives. Clusters of 64 KiB are read by Linux from 5.13 on.
 */
const erofsCommand = ({ output, owner, without, time = dependencyTime }: Packing): [string, ...string[]] => [
  'mkfs.erofs',
  '--quiet',
  '-zlz4',
  '-C65536',
  // No extended attributes.
  '-x-1',
  `-T${time}`,
  `-U${NO_UUID}`,
  `--force-uid=${owner}`,
  `--force-gid=${owner}`,
  ...without.map((path) => `--exclude-path=${path}`),
  output,
  '.',
]

const squashfsCommand = ({ output, owner, without, time = dependencyTime }: Packing): [string, ...string[]] => [
  'mksquashfs',
  '.',
  output,
  '-noappend',
  '-quiet',
  '-no-progress',
  '-no-xattrs',
  '-comp',
  'zstd',
  '-Xcompression-level',
  '3',
  '-force-uid',
  String(owner),
  '-force-gid',
  String(owner),
  '-mkfs-time',
  String(time),
  '-all-time',
  String(time),
  '-processors',
  '1',
  // Not a quarter of the host's memory, as it would take by itself.
  '-mem',
  '256M',
  ...(without.length === 0 ? [] : ['-wildcards', '-e', ...without]),
]
