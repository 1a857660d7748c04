/** The cgroup hierarchies of a v1 machine, made complete for the OCI runtime. */
import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run } from '#core/runtime/process.ts'
import { CGROUP_ROOT, cgroupVersion } from './cgroup.ts'
import { mountPoints, unmount } from './mounts.ts'

/** Says that a hierarchy was mounted by Berth, so that the last Berth of the machine unmounts it again. */
const MARKER = '/run/berth/mounted-cgroups'

/**
 * Makes the machine's cgroups usable by the OCI runtime. On a v1 hybrid, controllers left on the v2 side (hugetlb) make
 * crun refuse; mounting their v1 hierarchy moves them, as Debian's cgroupfs-mount does. A hierarchy that still has cgroups
 * outlives its unmounting and then belongs to neither side until it is mounted again. Others stay untouched.
 */
export async function prepareCgroups(): Promise<void> {
  await favourMoves()
  if (cgroupVersion() === 'v2') return
  const mounted = await mountPoints()
  for (const controller of await strayControllers()) {
    const folder = join(CGROUP_ROOT, controller)
    if (mounted.includes(folder)) continue
    await mkdir(folder, { recursive: true })
    await run(['mount', '-t', 'cgroup', '-o', controller, 'cgroup', folder])
    await mkdir(dirname(MARKER), { recursive: true })
    await appendFile(MARKER, `${folder}\n`)
  }
}

/**
 * Each start moves a process into its cgroup, which waits for an RCU grace period (10 to 30 ms) unless the kernel is told
 * that this is what this machine does (favordynmods, Linux 6.0, Documentation/admin-guide/cgroup-v2.rst). One mount's option
 * holds for the whole machine, v1 hierarchies included. It cannot be taken back; it costs a fork some nanoseconds.
 */
async function favourMoves(): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '))
  const [, folder, , options] = mounts.find(([, , type]) => type === 'cgroup2') ?? []
  if (folder === undefined || options === undefined || options.split(',').includes('favordynmods')) return
  // An older kernel does not know it; starts take longer there, and all else is the same.
  await run(['mount', '-o', `remount,${options},favordynmods`, folder]).catch(() => undefined)
}

/** The controllers that sandboxes can be limited by. */
export async function cgroupControllers(): Promise<string[]> {
  if (cgroupVersion() === 'v2')
    return (await readFile(join(CGROUP_ROOT, 'cgroup.controllers'), 'utf8')).trim().split(' ')
  const table = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '))
  const options = table.filter(([, , type]) => type === 'cgroup').flatMap(([, , , list = '']) => list.split(','))
  return [...new Set(options)].filter(
    (name) => !['rw', 'ro', 'relatime', 'nosuid', 'nodev', 'noexec', 'xattr'].includes(name),
  )
}

/** Controllers that crun would stumble over: on the v2 side of a hybrid, or in a v1 hierarchy that is not mounted. */
export async function strayControllers(): Promise<string[]> {
  const unified = await readFile(join(CGROUP_ROOT, 'unified', 'cgroup.controllers'), 'utf8').catch(() => '')
  const table = (await readFile('/proc/cgroups', 'utf8'))
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
  const inHierarchy = table.filter(([, hierarchy]) => Number(hierarchy) > 0).map(([name = '']) => name)
  const known = new Set(
    (await readFile('/proc/mounts', 'utf8'))
      .split('\n')
      .filter((line) => line.split(' ')[2] === 'cgroup')
      .flatMap((line) => line.split(' ')[3]?.split(',') ?? []),
  )
  return [...new Set([...unified.trim().split(/\s+/), ...inHierarchy])].filter(
    (name) => name !== '' && !known.has(name),
  )
}

/** Unmounts what prepareCgroups mounted. With cgroups left in it, a hierarchy stays, and so does its mount. */
export async function releaseCgroups(): Promise<void> {
  const folders = (await readFile(MARKER, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  for (const folder of new Set(folders)) if (!(await hasFolders(folder))) await unmount(folder)
  await rm(MARKER, { force: true })
}

const hasFolders = async (folder: string): Promise<boolean> =>
  (await readdir(folder, { withFileTypes: true }).catch(() => [])).some((entry) => entry.isDirectory())
