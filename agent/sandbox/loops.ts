/** Which files lie behind this machine's loop devices, whoever mounted them. */
import { readdir, readFile } from 'node:fs/promises'

export async function backingFiles(): Promise<Set<string>> {
  const devices = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'))
  const files = await Promise.all(
    devices.map((name) => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')),
  )
  return new Set(files.map((file) => file.trim()).filter((file) => file !== ''))
}
