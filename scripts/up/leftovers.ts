/** Ends the parts of a Berth whose supervisor was killed, so that the next one starts from what is on disk. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'

const WAIT_MS = 10_000

/** @param folder where the pid files are; a pid counts only while its program is one of ours (pids are used again) */
export async function endLeftovers(folder: string, say: (line: string) => void): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.pid') && name !== 'up.pid')
  const parts = names.map((name) => name.slice(0, -'.pid'.length))
  // The store last, as in every end: what the others still have to write there they would wait for.
  for (const group of [parts.filter((part) => part !== 'redis'), parts.filter((part) => part === 'redis')])
    await Promise.all(group.map((part) => endLeftover(join(folder, `${part}.pid`), part, say)))
}

async function endLeftover(file: string, part: string, say: (line: string) => void): Promise<void> {
  const pid = Number(await readFile(file, 'utf8'))
  if (await isPart(pid, part)) {
    say(`The ${part} of an earlier run is still there (pid ${pid}); ending it first.`)
    await end(pid, part)
  }
  await rm(file, { force: true })
}

async function isPart(pid: number, part: string): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return commandLine.includes(part === 'redis' ? 'redis-server' : `${part}/main.ts`)
}

async function end(pid: number, part: string): Promise<void> {
  process.kill(pid, 'SIGTERM')
  for (let waited = 0; waited < WAIT_MS; waited += 50) {
    await sleep(50)
    if (!(await isPart(pid, part))) return
  }
  process.kill(pid, 'SIGKILL')
  await sleep(100)
}
