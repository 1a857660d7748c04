/** One `up` per data folder, by a file with the pid of the one that runs. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type Lock = { release(): Promise<void> }

/** @throws an Error that names the other's pid */
export async function takeLock(folder: string): Promise<Lock> {
  await mkdir(folder, { recursive: true, mode: 0o711 })
  const file = join(folder, 'up.pid')
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' })
      return { release: () => rm(file, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 0) throw error
      const pid = Number(await readFile(file, 'utf8'))
      if (await isUp(pid))
        throw new Error(
          `Berth runs already for this data folder, as pid ${pid}. Stop that one, or set BERTH_HOME to another folder.`,
          { cause: error },
        )
      await rm(file, { force: true })
    }
  }
}

async function isUp(pid: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return /scripts\/(up|restore)\.ts/.test(commandLine)
}
