/**
 * From `git push`, `berth rollback` or `berth config:set` to the first answer of the new release, while clients ask all the
 * time: each of their requests must be answered. With the parts that the platform took the time for, as `berth builds:info`
 * has them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import type { PhaseTime } from '#core/domain/release.ts'
import { startWorld, type World } from '#test/helpers/world.ts'
import { openRepository, type Repository } from './deploy/repository.ts'
import { askSteadily, untilAnswer } from './deploy/requests.ts'
import type { Options } from './options.ts'
import { median, printTable, range } from './table.ts'

const AT_LEAST = 10
const SITE_FILES = 1000

type Row = { name: string; took: number[]; phases: PhaseTime[][]; failed: number; target: string }

export const deployRows = ['first', 'change', 'lockfile', 'rollback', 'config', 'site'] as const

export async function deploy({ only, rounds }: Options): Promise<void> {
  const world = await startWorld()
  const folder = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  const times = Math.max(rounds, AT_LEAST)
  const rows: Row[] = []
  const wants = (name: (typeof deployRows)[number]) => only.length === 0 || only.includes(name)
  try {
    const repository = await openRepository(world, join(folder, 'express'), 'express')
    await world.cli(['create', 'shop'])
    await repository.push('shop')
    if (wants('first')) rows.push(await first(world, repository, times))
    if (wants('change')) rows.push(await changes(world, repository, times))
    if (wants('lockfile')) rows.push(...(await lockfiles(world, repository, times)))
    if (wants('rollback')) rows.push(await commands(world, 'rollback', '≤ 1 s', times, () => ['rollback']))
    if (wants('config'))
      rows.push(await commands(world, 'config:set', '≤ 1 s', times, (n) => ['config:set', `ROUND=${n}`]))
    if (wants('site')) rows.push(await site(world, folder, times))
  } finally {
    await world.stop()
    await rm(folder, { recursive: true, force: true })
  }
  printTable(
    ['to the first answer of the new release', 'p50 s', 'range ms', 'target', 'failed requests'],
    rows.map(({ name, took, target, failed }) => [name, (median(took) / 1000).toFixed(2), range(took), target, failed]),
  )
  for (const { name, phases } of rows) if (phases.length > 0) console.log(`${name}: ${describeMedians(phases)}`)
}

/** With an empty cache of its own each time; the runtime is in the host's store, as on any host in use. */
async function first(world: World, repository: Repository, times: number): Promise<Row> {
  const row = aRow('first push of an Express app (npm ci)', '')
  for (let n = 0; n < times; n++) {
    const app = `first${n}`
    await world.cli(['create', app])
    row.took.push(await timed(() => Promise.all([repository.push(app), untilAnswer(world, app, '/info', '"v1"')])))
    row.phases.push(await phasesOf(world, app))
    await world.cli(['destroy', '-a', app, '--confirm', app])
  }
  return row
}

async function changes(world: World, repository: Repository, times: number): Promise<Row> {
  const row = aRow('Express app, one-line change', '≤ 1.5 s')
  return whileAsked(world, 'shop', row, async () => {
    for (let n = 0; n < times; n++) {
      await repository.change({ 'note.txt': `change ${n} of ${Date.now()}\n` })
      await pushAndWait(world, repository, row)
    }
  })
}

/** The lockfile is another one, and says the same: what npm does is the same as ever. */
async function lockfiles(world: World, repository: Repository, times: number): Promise<Row[]> {
  const row = aRow('the same with a changed lockfile', '≤ npm ci + 5 s')
  const alone = aRow('npm ci alone in the same tree', '')
  await whileAsked(world, 'shop', row, async () => {
    for (let n = 0; n < times; n++) {
      await repository.changeJson('package-lock.json', (lock) => ({ ...lock, version: `1.0.${n + 1}` }))
      await pushAndWait(world, repository, row)
      const cache = join(repository.folder, '..', 'npm-cache')
      const npmCi = () =>
        run(['npm', 'ci', '--omit=dev', '--no-audit', '--no-fund', '--cache', cache], {
          cwd: repository.folder,
          timeoutMs: 300_000,
        })
      if (n === 0) await npmCi()
      alone.took.push(await timed(npmCi))
    }
  })
  return [row, alone]
}

/** What makes a release without a build. */
async function commands(
  world: World,
  name: string,
  target: string,
  times: number,
  argumentsOf: (n: number) => string[],
): Promise<Row> {
  const row = aRow(`berth ${name}`, target)
  return whileAsked(world, 'shop', row, async () => {
    for (let n = 0; n < times; n++) {
      const next = await nextVersion(world, 'shop')
      const command = world.cli([...argumentsOf(n), '-a', 'shop'])
      row.took.push(await timed(() => untilAnswer(world, 'shop', '/info', `"${next}"`)))
      await command
    }
  })
}

async function site(world: World, folder: string, times: number): Promise<Row> {
  const row = aRow(`static site of ${SITE_FILES} files, one changed`, '≤ 1.5 s')
  const repository = await openRepository(world, join(folder, 'site'), null)
  const pages = Array.from({ length: SITE_FILES - 1 }, (_, n) => [
    `pages/${n % 20}/${n}.html`,
    `<p>page ${n}</p>\n`.repeat(40),
  ])
  await repository.change({ 'index.html': 'start\n', ...(Object.fromEntries(pages) as Record<string, string>) })
  await world.cli(['create', 'site'])
  await repository.push('site')
  return whileAsked(world, 'site', row, async () => {
    for (let n = 0; n < times; n++) {
      const mark = `mark ${n} of ${Date.now()}`
      await repository.change({ 'index.html': `${mark}\n` })
      const pushed = repository.push('site')
      row.took.push(await answered(world, 'site', '/', mark))
      await pushed
      row.phases.push(await phasesOf(world, 'site'))
    }
  })
}

// ── one round ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Timed to the answer; git's own end, a moment later, is waited for without the clock. */
async function pushAndWait(world: World, repository: Repository, row: Row): Promise<void> {
  const next = await nextVersion(world, 'shop')
  const pushed = repository.push('shop')
  row.took.push(await answered(world, 'shop', '/info', `"${next}"`))
  await pushed
  row.phases.push(await phasesOf(world, 'shop'))
}

const answered = (world: World, app: string, path: string, text: string): Promise<number> =>
  timed(() => untilAnswer(world, app, path, text))

async function whileAsked(world: World, app: string, row: Row, work: () => Promise<void>): Promise<Row> {
  const clients = askSteadily(world, app)
  await work()
  row.failed = await clients.stop()
  return row
}

async function nextVersion(world: World, app: string): Promise<string> {
  const { body } = await world.api('GET', `/v1/apps/${app}/releases`)
  return `v${((body as { releases: { version: number }[] }).releases[0]?.version ?? 0) + 1}`
}

async function phasesOf(world: World, app: string): Promise<PhaseTime[]> {
  const { body } = await world.api('GET', `/v1/apps/${app}/builds`)
  return (body as { builds: { phases: PhaseTime[] }[] }).builds[0]?.phases ?? []
}

function describeMedians(rounds: PhaseTime[][]): string {
  const names = [...new Set(rounds.flat().map(({ name }) => name))]
  const of = (name: string) => rounds.flat().filter((phase) => phase.name === name)
  return names.map((name) => `${name} ${Math.round(median(of(name).map(({ ms }) => ms)))} ms`).join(' · ')
}

const aRow = (name: string, target: string): Row => ({ name, took: [], phases: [], failed: 0, target })

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
