/** The machine's mounts: looking, and taking them away. */
import { open, readFile } from 'node:fs/promises'
import { IMAGE_HEAD_BYTES, imageKind, type ImageKind } from '#core/domain/image.ts'
import { run } from '#core/runtime/process.ts'

/**
 * Mounts an image as what its beginning says it is: a host has layers of EROFS and, of earlier builds, of squashfs.
 * @throws an Error that names the file, when it is neither
 */
export async function mountReadOnly(image: string, folder: string): Promise<void> {
  const file = await open(image)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(IMAGE_HEAD_BYTES)).finally(() => file.close())
  const kind = imageKind(buffer.subarray(0, bytesRead))
  if (kind === null) throw new Error(`${image} is neither an EROFS nor a squashfs image.`)
  await run(mountReadOnlyCommand(kind, image, folder))
}

const mountReadOnlyCommand = (kind: ImageKind, image: string, folder: string): [string, ...string[]] => [
  'mount',
  '-t',
  kind,
  '-o',
  'loop,ro,nosuid,nodev',
  image,
  folder,
]

/** Unmounts a path, however often something is mounted there; nothing mounted is fine. */
export async function unmount(path: string): Promise<void> {
  while ((await mountPoints()).includes(path)) {
    // Lazily where a dying process still holds it: the mount goes with its last user.
    await run(['umount', path]).catch(() => run(['umount', '--lazy', path]))
  }
}

/** All mount points of this machine, in the order of mounting. */
export async function mountPoints(): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    )
}

/** Unmounts everything below a folder, the newest first. */
export async function unmountBelow(folder: string): Promise<void> {
  const below = (await mountPoints()).filter((path) => path.startsWith(`${folder}/`))
  for (const path of below.reverse()) await unmount(path)
}
