/**
 * What a sandbox sees at /app and may write: read-only layers below, and one sparse ext4 image above, whose size and
 * number of inodes are the hard limit of everything the app can write.
 */
import { chmodSync, chownSync, statfsSync, statSync, type StatsFs } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { APP_UID } from '#core/domain/app.ts'
import { run } from '#core/runtime/process.ts'
import { unmount } from './mounts.ts'

export type Scratch = { image: string; folder: string; app: string; temporary: string }

/** Where a sandbox's files lie on the host, below its own folder. */
export const scratchOf = (folder: string): Scratch => ({
  image: join(folder, 'scratch.ext4'),
  folder: join(folder, 'scratch'),
  app: join(folder, 'app'),
  temporary: join(folder, 'scratch', 'tmp'),
})

/** The part that needs no app: the writable image, mounted. */
export async function prepareScratch(scratch: Scratch, diskMb: number): Promise<void> {
  await makeImage(scratch.image, diskMb)
  await mkdir(scratch.folder, { recursive: true })
  await run(mountImageCommand(scratch.image, scratch.folder))
  for (const name of ['upper', 'work', 'tmp', 'base']) await mkdir(join(scratch.folder, name), { recursive: true })
  await mkdir(scratch.app, { recursive: true })
}

/** Gives a prepared image to its app and mounts /app: layers in order, the last on top, and the writable one above all. */
export async function openScratch(scratch: Scratch, uidBase: number, layers: string[]): Promise<void> {
  const owner = uidBase + APP_UID
  // At once, a few microseconds each, so that the mount is under way while the caller goes on with other things.
  for (const name of ['upper', 'base']) chownSync(join(scratch.folder, name), owner, owner)
  chownSync(scratch.temporary, owner, owner)
  chmodSync(scratch.temporary, 0o1777)
  await run(mountOverlayCommand(scratch, layers))
}

/** A sparse file costs nothing until it is written; no journal, since it never outlives its sandbox. */
export async function makeImage(file: string, sizeMb: number): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  await handle.truncate(sizeMb * 1024 * 1024)
  await handle.close()
  await run(makeFilesystemCommand(file, sizeMb))
}

const BYTES_PER_INODE = 16_384

/** The tenant's quota is the image, so nothing of it is kept back for root. */
export function makeFilesystemCommand(file: string, sizeMb: number): [string, ...string[]] {
  return [
    'mkfs.ext4',
    '-q',
    '-F',
    '-m',
    '0',
    '-O',
    '^has_journal,^resize_inode',
    '-E',
    'lazy_itable_init=1,nodiscard',
    '-i',
    String(sizeMb < 64 ? 4096 : BYTES_PER_INODE),
    file,
  ]
}

/** Without barriers: what is in it may be lost with the machine, and unmounting need not wait for the disk. */
export const mountImageCommand = (image: string, folder: string): [string, ...string[]] => [
  'mount',
  '-t',
  'ext4',
  '-o',
  'loop,nosuid,nodev,noatime,barrier=0',
  image,
  folder,
]

export function mountOverlayCommand(scratch: Scratch, layers: string[]): [string, ...string[]] {
  // An overlay needs one lower folder at least: a build starts from an empty one.
  const lower = layers.length === 0 ? [join(scratch.folder, 'base')] : [...layers].reverse()
  const options = [
    `lowerdir=${lower.join(':')}`,
    `upperdir=${join(scratch.folder, 'upper')}`,
    `workdir=${join(scratch.folder, 'work')}`,
  ]
  return ['mount', '-t', 'overlay', 'overlay', '-o', ['nosuid', 'nodev', 'noatime', ...options].join(','), scratch.app]
}

/** Idempotent: unmounts and removes whatever of it is there. */
export async function removeScratch(scratch: Scratch): Promise<void> {
  await unmount(scratch.app)
  await unmount(scratch.folder)
  await rm(scratch.image, { force: true })
}

/** @returns null where no image is mounted at the folder: there statfs would speak of the host's own disk */
function statImage(folder: string): StatsFs | null {
  try {
    return statSync(folder).dev === statSync(dirname(folder)).dev ? null : statfsSync(folder)
  } catch {
    return null
  }
}

/** Bytes used on the image that is mounted at a folder; 0 when none is. */
export function usedBytes(folder: string): number {
  const image = statImage(folder)
  return image === null ? 0 : (image.blocks - image.bfree) * image.bsize
}

export type DiskUse = { usedBytes: number; limitBytes: number; usedInodes: number; limitInodes: number }

/** What cannot be written any more, against what could when the image was new. @returns null when none is mounted */
export function diskUseOf(folder: string): DiskUse | null {
  const image = statImage(folder)
  if (image === null) return null
  // Not `bfree`: ext4 keeps up to 2 % for itself, which nobody can write.
  const { bsize, blocks, bavail, files, ffree } = image
  return {
    usedBytes: (blocks - bavail) * bsize,
    limitBytes: blocks * bsize,
    usedInodes: files - ffree,
    limitInodes: files,
  }
}
