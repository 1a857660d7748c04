/** The read-only images that layers, stacks and runtimes are kept in: a file says itself which file system it is. */

export type ImageKind = 'erofs' | 'squashfs'

/** How many bytes of an image's beginning tell what there is to tell. */
export const IMAGE_HEAD_BYTES = 1056

/** Where each has its magic number: Linux, fs/erofs/erofs_fs.h (1024 bytes in, little-endian) and fs/squashfs/squashfs_fs.h. */
const magics: Record<ImageKind, { offset: number; bytes: number[] }> = {
  erofs: { offset: 1024, bytes: [0xe2, 0xe1, 0xf5, 0xe0] },
  squashfs: { offset: 0, bytes: [0x68, 0x73, 0x71, 0x73] },
}

/**
 * @param head the first `IMAGE_HEAD_BYTES` bytes of the file, or all of a shorter one
 * @returns null for what is no image
 */
export function imageKind(head: Uint8Array): ImageKind | null {
  // What EROFS leaves free before its superblock is zeros, so nothing is both.
  const kinds = Object.keys(magics) as ImageKind[]
  return kinds.find((kind) => magics[kind].bytes.every((byte, n) => head[magics[kind].offset + n] === byte)) ?? null
}

/** Where the superblocks have the time of packing (`build_time`, `mkfs_time`; little-endian, of EROFS the lower half). */
const timeOffsets: Record<ImageKind, number> = { erofs: 1048, squashfs: 8 }

/**
 * The time that an image was packed with, in seconds since 1970; Berth gives it to all files in it.
 * @param head as for `imageKind`
 * @returns 0 for what is no image
 */
export function imageTime(head: Uint8Array): number {
  const kind = imageKind(head)
  if (kind === null || head.length < timeOffsets[kind] + 4) return 0
  return new DataView(head.buffer, head.byteOffset).getUint32(timeOffsets[kind], true)
}
