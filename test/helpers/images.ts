/** What is in a packed image, as the kernel reads it. */
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { mountReadOnly, unmount } from '../../agent/sandbox/mounts.ts'

/** One line for each file, names as they are: `-rw-r--r-- 1000/1000 2023-11-14 ./web/server.js`, links with `-> target`. */
export async function listImage(image: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-image-'))
  try {
    await mountReadOnly(image, folder)
    const line = '%M %U/%G %TY-%Tm-%Td %p'
    const links = ['-type', 'l', '-printf', `${line} -> %l\\n`]
    const listed = ['find', '.', '-mindepth', '1', ...links, '-o', '-printf', `${line}\\n`] as const
    return (await run(listed, { cwd: folder, env: { ...process.env, TZ: 'UTC' } })).stdout
  } finally {
    await unmount(folder)
    await rmdir(folder)
  }
}
