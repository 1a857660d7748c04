/**
 * What an agent that was killed in the middle of a build left. Its build begins anew, in a workspace of its own, so all of it
 * goes before the agent takes work: above all its processes, which would go on writing into the app's cache.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#core/runtime/log.ts'
import type { Folders } from '../host.ts'
import type { Meter } from '../metering.ts'
import { buildsPath, removeCgroup } from '../sandbox/cgroup.ts'
import { killCgroup } from '../sandbox/freezer.ts'
import { removeSandbox, type SandboxHost } from '../sandbox/index.ts'
import { unmountBelow } from '../sandbox/mounts.ts'

/** The sandboxes of builds, as build.ts names them. */
const isBuildSandbox = (name: string): boolean => /^b-[cd]-/.test(name)

/** Their links are left to `sweepLinks`, which removes all that no instance uses. */
export async function sweepBuilds(context: {
  host: SandboxHost
  folders: Pick<Folders, 'builds' | 'caches' | 'run'>
  meter: Pick<Meter, 'lives' | 'finish'>
  log: Log
}): Promise<void> {
  const { host, folders, meter, log } = context
  const tree = buildsPath(host.slot)
  await killCgroup(tree)
  for (const { owner, sandbox } of meter.lives()) if (owner.kind === 'build') await meter.finish(sandbox)
  const left = new Set(
    [...(await namesIn(host.folder)), ...(await namesIn(join(folders.run, 'bundles')))].filter(isBuildSandbox),
  )
  for (const id of left) await removeSandbox(host, id, null, null, join(tree, 'swept', 'swept', id))
  await removeCgroup(tree)
  await unmountBelow(folders.builds)
  await unmountBelow(folders.caches)
  for (const name of await namesIn(folders.builds))
    if (name !== STACKS) await rm(join(folders.builds, name), { recursive: true, force: true })
  if (left.size > 0) log.info('builds of an earlier agent removed', { sandboxes: [...left] })
}

/** Stack images are built beside the apps, and look after themselves. */
const STACKS = 'stacks'

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])
