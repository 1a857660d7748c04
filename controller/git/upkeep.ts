/**
 * What is done to a repository between pushes, so that what it takes has a limit: it is measured, what pushes that were killed
 * left is removed, and many small packs become one. A push that comes meanwhile waits.
 */
import { readdir } from 'node:fs/promises'
import type { AppId } from '#core/domain/ids.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import type { Repository } from './repositories.ts'
import { runGit } from './run.ts'

export type Upkeep = {
  usedBytes(app: AppId): Promise<number>
  /** @returns to be called once, when the push is over */
  enter(app: AppId): Promise<() => void>
  /** Removes what pushes that were killed left. Only while no push is being received. */
  sweep(app: AppId): Promise<void>
}

type UpkeepContext = {
  at: (app: AppId) => Repository
  /** The folder of its objects, on this machine. */
  objectsOf: (app: AppId) => string
  log: Log
}

const TIDY_MS = 10 * 60_000

export function createUpkeep({ at, objectsOf, log }: UpkeepContext): Upkeep {
  const pushes = new Map<AppId, number>()
  const tidying = new Map<AppId, Promise<void>>()
  const sizes = new Map<AppId, number>()

  async function sweep(app: AppId): Promise<void> {
    const names = (await readdir(objectsOf(app)).catch(() => [])).filter(isLeftOver)
    if (names.length === 0) return
    const repository = at(app)
    const paths = names.map((name) => `${repository.path}/objects/${name}`)
    // Git's user does it: root does not walk a folder that somebody else writes in.
    await run(repository.commandLine(['rm', '-rf', '--', ...paths]), { env: repository.env })
  }

  async function measure(app: AppId): Promise<Counts> {
    const counts = readCounts(await runGit(at(app), ['count-objects', '-v']))
    sizes.set(app, counts.bytes)
    return counts
  }

  async function tidy(app: AppId): Promise<void> {
    await sweep(app)
    if (!needsTidying(await measure(app))) return
    await runGit(at(app), ['gc', '--quiet', '--prune=now'], { timeoutMs: TIDY_MS })
    await measure(app)
  }

  function leave(app: AppId): void {
    sizes.delete(app)
    const left = (pushes.get(app) ?? 1) - 1
    if (left > 0) return void pushes.set(app, left)
    pushes.delete(app)
    const work = tidy(app)
      // Also when the app was destroyed meanwhile.
      .catch((error: unknown) => log.warn('repository not tidied', { appId: app, error }))
      .finally(() => tidying.delete(app))
    tidying.set(app, work)
  }

  return {
    sweep,
    async usedBytes(app) {
      await tidying.get(app)
      return sizes.get(app) ?? (await measure(app)).bytes
    },
    async enter(app) {
      await tidying.get(app)
      pushes.set(app, (pushes.get(app) ?? 0) + 1)
      return () => leave(app)
    },
  }
}

/** Where git keeps what a push brings, until it is taken. */
const isLeftOver = (name: string): boolean => /^(tmp_objdir-)?incoming-\w+$/.test(name)

export type Counts = { loose: number; packs: number; bytes: number }

/** Reads `git count-objects -v`, whose sizes are in KiB. */
export function readCounts(text: string): Counts {
  const figures = new Map(text.split('\n').map((line) => line.split(': ') as [string, string]))
  const figure = (name: string) => Number(figures.get(name) ?? 0)
  return {
    loose: figure('count'),
    packs: figure('packs'),
    bytes: 1024 * (figure('size') + figure('size-pack') + figure('size-garbage')),
  }
}

/** Git's own limits for the same (git-gc(1), gc.auto and gc.autoPackLimit), a little sooner. */
export const needsTidying = ({ loose, packs }: Counts): boolean => loose > 5_000 || packs > 40
