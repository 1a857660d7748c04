/** What the sandbox costs a program that runs in it: the same program, by the same Node, bare and sandboxed in turn. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../core/runtime/config.ts'
import { silentLog } from '../core/runtime/log.ts'
import { run } from '../core/runtime/process.ts'
import { pack } from '../agent/pack.ts'
import { ensurePlatformNode } from '../agent/runtimes/npm.ts'
import { mountReadOnly, unmount } from '../agent/sandbox/mounts.ts'
import { addressOf } from '../agent/sandbox/index.ts'
import { startTestHost, type TestHost } from '#test/helpers/sandboxes.ts'
import { median, printTable } from './table.ts'

const ROUNDS = 11
const WRK_SECONDS = 3
const PARTS = 12
const BIG = 'big.js'
const TREE = 'lib'
const big = { memoryMb: 2048, cpuMilli: 64_000 }

/** Each prints one number. */
const programs = {
  // 3 × 10⁷ steps of a generator modulo 2³¹ - 1, some 0.3 s.
  loop: `const t = performance.now(); let x = 1; for (let i = 0; i < 3e7; i++) x = (x * 48271) % 2147483647;
    console.log(performance.now() - t + (x === 0 ? 1 : 0))`,
  sequence: `const { openSync, readSync } = require('node:fs'); const file = openSync(process.argv[2], 'r');
    const chunk = Buffer.alloc(1 << 20); const t = performance.now(); while (readSync(file, chunk) > 0);
    console.log(performance.now() - t)`,
  tree: `const { readdirSync, readFileSync } = require('node:fs'); const { join } = require('node:path');
    const files = (d) => readdirSync(d, { withFileTypes: true }).flatMap((e) => e.isDirectory() ? files(join(d, e.name)) : [join(d, e.name)]);
    const all = files(process.argv[2]); const t = performance.now(); let n = 0; for (const f of all) n += readFileSync(f).length;
    console.log(performance.now() - t + (n === 0 ? 1 : 0))`,
  serve: `require('node:http').createServer((q, r) => r.end('hello\\n')).listen(Number(process.env.PORT), '0.0.0.0')`,
}

export async function overhead(): Promise<void> {
  const config = readConfig(process.env)
  const node = await ensurePlatformNode({ cacheDir: config.cache, npmRegistry: config.npmRegistry, log: silentLog })
  const work = await mkdtemp(join(tmpdir(), 'berth-overhead-'))
  const test = await startTestHost()
  try {
    const slug = await makeSlug(work)
    const here = { test, node, slug }
    const rows = [
      row('CPU-bound loop, ms', await inTurn(here, 'loop')),
      row('Node HTTP app, requests/s (bare: loopback; sandboxed: veth)', await serving(here)),
      row('reading a slug of 23 MB in 120 files, cache warm, ms', await inTurn(here, 'tree', TREE)),
      row('… cache cold', await inTurn(here, 'tree', TREE, dropCaches)),
      row('reading one file of 110 MB, cache warm, ms', await inTurn(here, 'sequence', BIG)),
      row('… cache cold', await inTurn(here, 'sequence', BIG, dropCaches)),
    ]
    printTable(['sandboxed beside bare, medians', 'bare', 'sandboxed', 'speed ratio'], rows)
  } finally {
    await unmount(join(work, 'mounted'))
    await test.stop()
    await rm(work, { recursive: true, force: true })
  }
}

type Here = { test: TestHost; node: string; slug: Slug }
type Slug = { plain: string; mounted: string }

type Compared = { bare: number; inside: number; ratio: number }
const row = (what: string, { bare, inside, ratio }: Compared) => [
  what,
  bare.toFixed(0),
  inside.toFixed(0),
  ratio.toFixed(3),
]

/** Real code, as a folder and as the layer that Berth makes of it. */
async function makeSlug(work: string): Promise<Slug> {
  const plain = join(work, 'plain')
  const typescript = dirname(fileURLToPath(import.meta.resolve('typescript')))
  await mkdir(plain)
  await cp(typescript, join(plain, TREE), { recursive: true })
  const code = await readFile(join(typescript, 'typescript.js'))
  for (let part = 0; part < PARTS; part++) await appendFile(join(plain, BIG), code)
  for (const [name, text] of Object.entries(programs)) await writeFile(join(plain, `${name}.cjs`), text)
  const image = join(work, 'slug.image')
  await pack(
    { folder: plain, output: image, owner: 0, without: [], size: { entries: 200, nameBytes: 100 } },
    { signal: AbortSignal.timeout(60_000), log: silentLog },
  )
  const mounted = join(work, 'mounted')
  await mkdir(mounted)
  await mountReadOnly(image, mounted)
  return { plain, mounted }
}

/** @param file what of the slug it reads */
async function inTurn(
  { test, node, slug }: Here,
  program: 'loop' | 'sequence' | 'tree',
  file = '',
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<Compared> {
  const bare: number[] = []
  const inside: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await before()
    const argv = [join(node, 'bin/node'), join(slug.plain, `${program}.cjs`), join(slug.plain, file)] as const
    bare.push(Number((await run(argv)).stdout))
    await before()
    const { output } = await test.run(`/opt/berth-node/bin/node /app/${program}.cjs /app/${file}`, {
      size: big,
      layers: [slug.mounted],
      binds: [{ source: node, target: '/opt/berth-node', readOnly: true }],
    })
    inside.push(Number(output))
  }
  return compared(bare, inside, (one, other) => one / other)
}

/** The ratio is the median of the pairs', so that a machine whose speed drifts treats both alike. */
const compared = (bare: number[], inside: number[], speed: (one: number, other: number) => number): Compared => ({
  bare: median(bare),
  inside: median(inside),
  ratio: median(bare.map((one, index) => speed(one, inside[index] ?? NaN))),
})

async function serving({ test, node, slug }: Here): Promise<Compared> {
  const port = 20_000 + Math.floor(Math.random() * 10_000)
  const bare = spawn(join(node, 'bin/node'), [join(slug.plain, 'serve.cjs')], {
    env: { PORT: String(port) },
    stdio: 'ignore',
  })
  const sandbox = await test.start('exec /opt/berth-node/bin/node /app/serve.cjs', {
    size: big,
    ceilings: { networkMbit: 10_000 },
    layers: [slug.mounted],
    binds: [{ source: node, target: '/opt/berth-node', readOnly: true }],
  })
  try {
    const urls = { bare: `http://127.0.0.1:${port}/`, inside: `http://${addressOf(test.host, sandbox)}:5000/` }
    for (const url of Object.values(urls)) while (!(await answers(url))) await wait(20)
    const rates: { bare: number[]; inside: number[] } = { bare: [], inside: [] }
    for (let round = 0; round < ROUNDS; round++)
      for (const side of ['bare', 'inside'] as const) rates[side].push(await load(urls[side]))
    return compared(rates.bare, rates.inside, (one, other) => other / one)
  } finally {
    bare.kill('SIGKILL')
    await once(bare, 'exit')
    await test.remove(sandbox)
  }
}

async function load(url: string): Promise<number> {
  const { stdout } = await run(['wrk', '-t1', '-c32', `-d${WRK_SECONDS}s`, url])
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(url, { agent: false }, (response) => {
      response.resume()
      resolve(true)
    })
    asked.on('error', () => resolve(false))
    asked.end()
  })
}

const dropCaches = async (): Promise<void> => {
  await run(['sync'])
  await writeFile('/proc/sys/vm/drop_caches', '3')
}
