/** From the job's arrival to the process running, and to its first good answer, against the same app started bare. */
import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { InstanceView } from '../core/contract/api.ts'
import { fixtureFolder, startWorld } from '#test/helpers/world.ts'
import { median, printTable, range } from './table.ts'

const ROUNDS = 15
const POLL_MS = 20

export async function start(): Promise<void> {
  const world = await startWorld()
  try {
    await world.cli(['create', 'bench'])
    await world.pushApp('bench', 'node-plain')
    const runtime = await runtimeOf(world.api)
    const started: number[] = []
    const ready: number[] = []
    const bare: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await world.cli(['ps:restart', '-a', 'bench'])
      const instance = await waitForRunning(world.api)
      started.push(instance.startedMs ?? NaN)
      ready.push(instance.readyMs ?? NaN)
      bare.push(
        await startBare(join(process.env['BERTH_CACHE'] ?? '/var/cache/berth', 'runtimes', runtime, 'bin', 'node')),
      )
    }
    printTable(
      ['Node HTTP app', 'median ms', 'range ms', 'ratio to bare'],
      [
        ['sandboxed: job received → process running', Math.round(median(started)), range(started), ''],
        [
          'sandboxed: job received → first good answer',
          Math.round(median(ready)),
          range(ready),
          (median(ready) / median(bare)).toFixed(2),
        ],
        ['bare: spawn → first good answer, same polling', Math.round(median(bare)), range(bare), '1.00'],
      ],
    )
  } finally {
    await world.stop()
  }
}

type Api = (method: string, path: string) => Promise<{ status: number; body: unknown }>

async function runtimeOf(api: Api): Promise<string> {
  const { releases } = (await api('GET', '/v1/apps/bench/releases')).body as {
    releases: { runtimes: { name: string; version: string }[] }[]
  }
  const node = releases[0]?.runtimes.find(({ name }) => name === 'node')
  return `node@${node?.version}`
}

let seen = new Set<string>()

/** The one instance that is new since the last round. */
async function waitForRunning(api: Api): Promise<InstanceView> {
  for (;;) {
    const { instances } = (await api('GET', '/v1/apps/bench/instances')).body as { instances: InstanceView[] }
    const fresh = instances.find(({ id, state, intent }) => state === 'running' && intent === 'run' && !seen.has(id))
    if (fresh && instances.length === 1) {
      seen = new Set([...seen, fresh.id])
      return fresh
    }
    await wait(100)
  }
}

async function startBare(node: string): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 10_000)
  const began = performance.now()
  const child = spawn(node, ['server.js'], {
    cwd: fixtureFolder('node-plain'),
    env: { PORT: String(port), PATH: process.env['PATH'] },
    stdio: 'ignore',
  })
  while (!(await answers(port))) await wait(POLL_MS)
  const took = performance.now() - began
  child.kill('SIGKILL')
  return took
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/', agent: false }, (response) => {
      response.resume()
      resolve((response.statusCode ?? 500) < 500)
    })
    asked.on('error', () => resolve(false))
    asked.end()
  })
}
