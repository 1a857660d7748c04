/** Dependencies that an earlier build packed already are mounted instead of made again. */
import { chmod, mkdir, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BuildPlan } from '#core/contract/buildpack.ts'
import { notPackable } from '#core/domain/errors.ts'
import type { Deploy } from '#core/domain/release.ts'
import type { Layer, RuntimeRef } from '#core/domain/slug.ts'
import type { BindMount } from '../sandbox/spec.ts'
import { folderAt } from '../tree.ts'
import type { Cache } from './cache.ts'
import type { BuildContext } from './context.ts'
import type { Workspace } from './workspace.ts'

/** Which layer holds the dependencies of which key, beside the app's cache, where only the platform writes. */
export type DependencyNote = { key: string; runtimes: string; layer: Layer }

export const runtimeKey = (runtimes: RuntimeRef[]) =>
  runtimes
    .map(({ name, version }) => `${name}@${version}`)
    .sort()
    .join(' ')

type Reusing = {
  deploy: Deploy
  plan: BuildPlan
  runtimes: RuntimeRef[]
  workspace: Workspace
  signal: AbortSignal
}

/** The layer of an earlier build that holds the same dependencies, mounted where they belong; null: there is none. */
export async function reuseDependencies(
  context: BuildContext,
  { deploy, plan, runtimes, workspace, signal }: Reusing,
): Promise<{ reused: Layer | null; mounts: BindMount[] }> {
  const noted = await reusableLayer(context, workspace.cache, plan, runtimes, signal)
  if (!noted) return { reused: null, mounts: [] }
  const folder = await context.layers.mount([noted], signal).then(
    ([mounted]) => mounted,
    (error: unknown) => {
      signal.throwIfAborted()
      context.log.info('dependencies not there any more', { deploy: deploy.id, layer: noted.digest, error })
    },
  )
  if (folder === undefined) {
    await context.print(deploy.id, ['       the dependencies of the build before are not there any more'])
    return { reused: null, mounts: [] }
  }
  return { reused: noted, mounts: await mountReused(plan, folder, workspace) }
}

async function reusableLayer(
  context: BuildContext,
  cache: Cache,
  plan: BuildPlan,
  runtimes: RuntimeRef[],
  signal: AbortSignal,
): Promise<Layer | null> {
  if (!plan.dependencies) return null
  const text = await readFile(cache.dependencies, 'utf8').catch(() => null)
  const note = text === null ? null : (JSON.parse(text) as DependencyNote)
  if (note?.key !== plan.dependencies.key || note.runtimes !== runtimeKey(runtimes)) return null
  // Long after the last release that had it, it may have been collected.
  return (await context.layers.renew(note.layer.digest, signal)) ? note.layer : null
}

async function mountReused(plan: BuildPlan, folder: string, workspace: Workspace): Promise<BindMount[]> {
  const paths = plan.dependencies?.paths ?? []
  // The OCI runtime follows links on the host's side of a mount.
  for (const path of paths) if ((await folderAt(folder, path)) !== 'folder') throw notAFolder(path)
  await existing(workspace.app, paths)
  return paths.map((path) => ({
    source: join(folder, path),
    target: `/app/${path}`,
    readOnly: true,
  }))
}

/**
 * Those of the paths that are there.
 * @throws NOT_PACKABLE when one is, or lies behind, something else than a folder
 */
export async function existing(folder: string, paths: string[]): Promise<string[]> {
  const found: string[] = []
  for (const path of paths) {
    const what = await folderAt(folder, path)
    if (what === 'other') throw notAFolder(path)
    if (what === 'folder') found.push(path)
  }
  return found
}

/**
 * Moves folders out of the app, to the same paths below `apart`: an image is packed of a whole folder.
 * @param paths as `existing` has found them; one may lie in another
 */
export async function setApart(app: string, apart: string, paths: string[]): Promise<void> {
  const outer = paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)))
  for (const path of new Set(outer)) {
    await makeFolders(apart, dirname(path))
    await rename(join(app, path), join(apart, path))
  }
}

/** With the same rights whatever the agent's umask, so that they make the same image everywhere. */
async function makeFolders(root: string, path: string): Promise<void> {
  const parts = path === '.' ? [] : path.split('/')
  for (let depth = 0; depth <= parts.length; depth++) {
    const folder = join(root, ...parts.slice(0, depth))
    await mkdir(folder, { recursive: true })
    await chmod(folder, 0o755)
  }
}

const notAFolder = (path: string) => notPackable(`${path} is not a folder but a link or a file`)
