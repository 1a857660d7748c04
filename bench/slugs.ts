/** What is stored for ten deploys of an app with large dependencies of which one line changes each time. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SlugsView } from '#core/contract/api.ts'
import { run } from '../core/runtime/process.ts'
import { startWorld, type World } from '#test/helpers/world.ts'
import { printTable } from './table.ts'

const DEPLOYS = 10
const APP = 'large'

export async function slugs(): Promise<void> {
  const world = await startWorld()
  const packages = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  try {
    await world.cli(['create', APP])
    const files = await largeApp(packages)
    await push(world, { ...files, 'server.js': server(0) })
    const first = await stored(world)
    for (let n = 1; n < DEPLOYS; n++) await push(world, { ...files, 'server.js': server(n) })
    const all = await stored(world)
    printTable(
      [`60 MB of node_modules, ${DEPLOYS} deploys, one line changed each time`, 'MB'],
      [
        ['stored after the first deploy', (first / 1e6).toFixed(2)],
        [`stored after ${DEPLOYS} deploys`, (all / 1e6).toFixed(2)],
        ['ratio (target: at most 1.1)', (all / first).toFixed(3)],
      ],
    )
  } finally {
    await world.stop()
    await rm(packages, { recursive: true, force: true })
  }
}

const stored = async (world: World) => ((await world.api('GET', `/v1/apps/${APP}/slugs`)).body as SlugsView).bytes

async function push(world: World, change: Record<string, string>): Promise<void> {
  const { code, output } = await world.pushApp(APP, null, { change })
  if (code !== 0) throw new Error(output)
}

const server = (n: number) =>
  `require('node:http').createServer((_, response) => response.end('${n}')).listen(process.env.PORT)\n`

/** Real packages of about 60 MB together, with the lockfile that npm makes of them. */
async function largeApp(folder: string): Promise<Record<string, string>> {
  const dependencies = { typescript: '5.9.3', 'date-fns': '4.1.0', rxjs: '7.8.2' }
  const manifest = JSON.stringify({ name: APP, version: '1.0.0', scripts: { start: 'node server.js' }, dependencies })
  await writeFile(join(folder, 'package.json'), manifest)
  await run(['npm', 'install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    timeoutMs: 120_000,
  })
  return { 'package.json': manifest, 'package-lock.json': await readFile(join(folder, 'package-lock.json'), 'utf8') }
}
