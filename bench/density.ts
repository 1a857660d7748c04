/**
 * 300 idle, sandboxed Node HTTP apps on one host: what each costs, all included (by MemAvailable), what the agent costs that
 * meters and syncs them, and how long a new agent takes to adopt them.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { InstanceView } from '../core/contract/api.ts'
import { startWorld, type World } from '#test/helpers/world.ts'
import { dockerDensity } from './docker.ts'
import { available, MB, privateOf, settle } from './memory.ts'
import type { Options } from './options.ts'
import { median, printTable } from './table.ts'

/** `BERTH_BENCH_INSTANCES=100` for a machine that has less room, or less time. */
const INSTANCES = Number(process.env['BERTH_BENCH_INSTANCES'] ?? 300)
const IDLE_SECONDS = 60
const ADOPTIONS = 3

/** What an idle Node has for itself differs by its version, so the same app runs on two: the leanest, and today's. */
const NODES = { node20: '20.x', node22: '22.x' }
export const densityParts = Object.keys(NODES)

export async function density({ only }: Options): Promise<void> {
  const world = await startWorld({ env: { BERTH_LOG_LEVEL: 'info' } })
  const chosen = Object.entries(NODES).filter(([part]) => only.length === 0 || only.includes(part))
  const [last] = chosen.at(-1) ?? []
  try {
    for (const [app, range] of chosen) {
      await many(world, app, range)
      if (app === last) continue
      await world.cli(['destroy', '-a', app, '--confirm', app])
      // An app that is destroyed is on no list any more, while its processes may still be ending.
      while ((await privateOf(isApp)).length > 0) await wait(500)
    }
    await agentCost(world)
    await adoption(world)
  } finally {
    await world.stop()
  }
  // Alone on the machine, as ours were.
  await dockerDensity()
}

async function many(world: World, app: string, range: string): Promise<void> {
  const described = JSON.stringify({ name: app, private: true, engines: { node: range }, scripts: { start: START } })
  await world.cli(['create', app])
  await world.pushApp(app, 'node-plain', { change: { 'package.json': described } })
  await world.cli(['scale', 'web=1', '--memory', '64M', '--cpu', '0.05', '-a', app])
  await settle()
  const before = await available()
  const began = performance.now()
  await world.cli(['scale', `web=${INSTANCES + 1}`, '-a', app])
  const took = (performance.now() - began) / 1000
  await settle()
  const after = await available()
  const running = (await instancesOf(world)).length
  const [own, conmon] = [await privateOf(isApp), await privateOf(isConmon(world.home))]
  const each = (before - after) / INSTANCES / MB
  printTable(
    [`${INSTANCES} idle HTTP apps on Node ${range}`, 'MB each'],
    [
      ['all-in (MemAvailable)', each.toFixed(1)],
      ["the app's own private memory, median", (median(own) / MB).toFixed(1)],
      ['all beyond it', (each - median(own) / MB).toFixed(1)],
      ['of that conmon, median', (median(conmon) / MB).toFixed(2)],
    ],
  )
  console.log(`\n${running} instances; \`berth scale\` until all ran: ${took.toFixed(1)} s\n`)
}

/** CPU and memory of the agent while nothing happens but metering, syncs and heartbeats. */
async function agentCost(world: World): Promise<void> {
  const pid = await agentPid(world)
  const before = await cpuSeconds(pid)
  await wait(IDLE_SECONDS * 1000)
  const used = (await cpuSeconds(pid)) - before
  const resident = Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  console.log('')
  printTable(
    [`agent with ${INSTANCES} idle instances, over ${IDLE_SECONDS} s`, 'value'],
    [
      ['CPU, % of one core', ((used / IDLE_SECONDS) * 100).toFixed(1)],
      ['resident memory, MB', resident.toFixed(0)],
    ],
  )
}

/** From kill -9 of the agent to the new one's word that it is ready, all instances adopted. */
async function adoption(world: World): Promise<void> {
  const before = new Map((await instancesOf(world)).map(({ id, restarts }) => [id, restarts]))
  const took: number[] = []
  for (let round = 0; round < ADOPTIONS; round++) {
    await world.killPart('agent')
    took.push(await readyMs(world))
  }
  const untouched = (await instancesOf(world)).filter(({ id, restarts }) => before.get(id) === restarts).length
  console.log('')
  printTable(
    ['a new agent', 'value'],
    [
      [`start → all ${before.size} adopted, median ms`, median(took).toFixed(0)],
      ['instances that were not touched', untouched],
    ],
  )
}

/** How long the running agent took from its process's start to `agent ready`, by its own log. */
async function readyMs(world: World): Promise<number> {
  const pid = await agentPid(world)
  for (;;) {
    const lines = (await readFile(join(world.home, 'logs', 'agent.log'), 'utf8')).split('\n').filter((l) => l !== '')
    const ready = lines
      .map((line) => JSON.parse(line) as { pid?: number; msg?: string; tookMs?: number })
      .findLast((line) => line.msg === 'agent ready' && line.pid === pid)
    if (ready?.tookMs !== undefined) return ready.tookMs
    await wait(50)
  }
}

const agentPid = async (world: World): Promise<number> =>
  Number(await readFile(join(world.home, 'run', 'agent.pid'), 'utf8'))

async function instancesOf(world: World): Promise<InstanceView[]> {
  const { body } = await world.api('GET', '/v1/apps')
  const apps = (body as { apps: { name: string }[] }).apps.map(({ name }) => name)
  const views = await Promise.all(apps.map((app) => world.api('GET', `/v1/apps/${app}/instances`)))
  return views
    .flatMap((view) => (view.body as { instances: InstanceView[] }).instances)
    .filter(({ state }) => state === 'running')
}

/** User and system time of a process (proc(5), /proc/PID/stat fields 14 and 15, in ticks of 10 ms). */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const START = 'node server.js'
const isApp = (commandLine: string): boolean => commandLine.startsWith('node\0server.js')
const isConmon =
  (home: string) =>
  (commandLine: string): boolean =>
    commandLine.startsWith('conmon\0') && commandLine.includes(home)
