/** What the machine's memory says, for benchmarks. */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

export const MB = 1024 * 1024

/** Bytes that new programs could have (proc(5), MemAvailable). */
export async function available(): Promise<number> {
  return Number(/^MemAvailable:\s+(\d+)/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1]) * 1024
}

/** Garbage and dirty pages of what just happened are not what an idle app costs. */
export const settle = () => wait(15_000)

/** Private bytes of each process whose command line fits. */
export async function privateOf(fits: (commandLine: string) => boolean): Promise<number[]> {
  const found: number[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (!fits(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))) continue
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    const kilobytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)].map(([, kb]) => Number(kb))
    found.push(kilobytes.reduce((sum, kb) => sum + kb, 0) * 1024)
  }
  return found
}
