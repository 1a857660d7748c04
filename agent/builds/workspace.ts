/** Where a build works: an image with a hard limit, the app's cache and the source; and what it leaves there for the agent. */
import { constants } from 'node:fs'
import { chown, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildSpec } from '#core/contract/internal.ts'
import { APP_UID } from '#core/domain/app.ts'
import type { DeployId } from '#core/domain/ids.ts'
import { run } from '#core/runtime/process.ts'
import { makeImage, mountImageCommand } from '../sandbox/filesystem.ts'
import { unmount } from '../sandbox/mounts.ts'
import { type Cache, type CacheFound, cacheOf, openCache } from './cache.ts'
import type { BuildContext } from './context.ts'

export type Workspace = {
  folder: string
  image: string
  root: string
  app: string
  /** Where what becomes a layer of its own is moved to, on the same image. */
  apart: string
  build: string
  temporary: string
  source: string
  cache: Cache
}

export function workspaceOf(context: BuildContext, id: DeployId, spec: BuildSpec): Workspace {
  const folder = join(context.folder, id)
  const root = join(folder, 'root')
  return {
    folder,
    image: join(folder, 'workspace.ext4'),
    root,
    app: join(root, 'app'),
    apart: join(root, 'apart'),
    build: join(root, 'build'),
    temporary: join(root, 'tmp'),
    source: join(folder, 'source.tar'),
    cache: cacheOf(context.cacheFolder, spec.appId),
  }
}

/** An image with a hard limit for what the build writes, the app's cache, an image with one of its own, and the source. */
export async function openWorkspace(
  context: BuildContext,
  workspace: Workspace,
  id: DeployId,
  spec: BuildSpec,
  signal: AbortSignal,
): Promise<CacheFound> {
  const owner = spec.uidBase + APP_UID
  await closeWorkspace(workspace)
  await mkdir(workspace.root, { recursive: true, mode: 0o711 })
  // All of them to their ends, so that nothing is made any more when the workspace is closed after a failure of one.
  const works = [
    openCache(workspace.cache, { owner, generation: spec.cacheGeneration, sizeMb: context.config.buildCacheMb }),
    makeFolders(workspace, owner, context.config.buildDiskMb),
    fetchSource(context, workspace, owner, id, signal),
  ] as const
  await Promise.allSettled(works)
  return (await Promise.all(works))[0]
}

async function makeFolders({ image, root, app, build, temporary }: Workspace, owner: number, diskMb: number) {
  await makeImage(image, diskMb)
  await run(mountImageCommand(image, root))
  for (const path of [app, build, temporary]) {
    await mkdir(path)
    await chown(path, owner, owner)
  }
}

async function fetchSource(
  { controller }: BuildContext,
  { source }: Workspace,
  owner: number,
  id: DeployId,
  signal: AbortSignal,
): Promise<void> {
  await controller.downloadSource(id, source, signal)
  await chown(source, owner, owner)
}

export async function closeWorkspace({ folder, root, cache }: Workspace): Promise<void> {
  await unmount(root)
  await unmount(cache.folder)
  await rm(folder, { recursive: true, force: true })
}

const MAX_OUTPUT_BYTES = 256 * 1024

/** A file that the sandbox left for us: a plain file of bounded size, never through a link. */
export async function readOutput(workspace: Workspace, name: string): Promise<unknown> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(join(workspace.build, name), flags).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`The build left no ${name} that is a plain file (${error.code}).`, { cause: error })
  })
  try {
    const status = await file.stat()
    if (!status.isFile() || status.size > MAX_OUTPUT_BYTES)
      throw new Error(`The build left a ${name} that is not a plain file of at most ${MAX_OUTPUT_BYTES} bytes.`)
    return JSON.parse(await file.readFile('utf8')) as unknown
  } finally {
    await file.close()
  }
}
