/** What one more idle, sandboxed Node HTTP app costs a host, all included, by MemAvailable. */
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { InstanceView } from '../core/contract/api.ts'
import { startWorld } from '#test/helpers/world.ts'
import { median, printTable } from './table.ts'

const INSTANCES = 100
const MB = 1024 * 1024

export async function density(): Promise<void> {
  const world = await startWorld()
  try {
    await world.cli(['create', 'dense'])
    await world.pushApp('dense', 'node-plain')
    await world.cli(['scale', 'web=1', '--memory', '64M', '--cpu', '0.1', '-a', 'dense'])
    await settle()
    const before = await available()
    const began = performance.now()
    await world.cli(['scale', `web=${INSTANCES + 1}`, '-a', 'dense'])
    const took = (performance.now() - began) / 1000
    await settle()
    const after = await available()
    const { instances } = (await world.api('GET', '/v1/apps/dense/instances')).body as { instances: InstanceView[] }
    const own = instances.flatMap(({ memoryBytesUsed }) => (memoryBytesUsed === null ? [] : [memoryBytesUsed]))
    printTable(
      ['idle Node HTTP apps', 'value'],
      [
        ['instances', INSTANCES],
        ['all-in memory of each (MemAvailable), MB', ((before - after) / INSTANCES / MB).toFixed(1)],
        ['memory of its own cgroup, median, MB', (median(own) / MB).toFixed(1)],
        ['scale command until all run, s', took.toFixed(1)],
      ],
    )
  } finally {
    await world.stop()
  }
}

async function available(): Promise<number> {
  return Number(/^MemAvailable:\s+(\d+)/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1]) * 1024
}

/** Garbage and dirty pages of what just happened are not what an idle app costs. */
const settle = () => wait(15_000)
