/**
 * Everything that differs between cgroup v2 and the v1 hierarchies is in this file. A tenant has a cgroup, below it each
 * of its apps, below that each instance, so that shares and metering sum by construction.
 */
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import { run } from '#core/runtime/process.ts'
import { mountPoints, unmount } from './mounts.ts'

const ROOT = '/sys/fs/cgroup'
export type CgroupVersion = 'v1' | 'v2'

export const cgroupVersion = (): CgroupVersion => (existsSync(join(ROOT, 'cgroup.controllers')) ? 'v2' : 'v1')

/** The path below the hierarchy's root, as OCI's cgroupsPath has it. Ids are checked at the edge, so they are safe in paths. */
export const cgroupPath = (slot: number, tenant: string, app: string, id: string): string =>
  `/berth-${slot}/${tenant}/${app}/${id}`

/** Says that a hierarchy was mounted by Berth, so that the last Berth of the machine unmounts it again. */
const MARKER = '/run/berth/mounted-cgroups'

/**
 * Makes the machine's cgroups usable by the OCI runtime. On a v1 hybrid, controllers left on the v2 side (hugetlb) make
 * crun refuse; mounting their v1 hierarchy moves them, as Debian's cgroupfs-mount does. A hierarchy that still has cgroups
 * outlives its unmounting and then belongs to neither side until it is mounted again. Others stay untouched.
 */
export async function prepareCgroups(): Promise<void> {
  if (cgroupVersion() === 'v2') return
  const mounted = await mountPoints()
  for (const controller of await strayControllers()) {
    const folder = join(ROOT, controller)
    if (mounted.includes(folder)) continue
    await mkdir(folder, { recursive: true })
    await run(['mount', '-t', 'cgroup', '-o', controller, 'cgroup', folder])
    await mkdir(dirname(MARKER), { recursive: true })
    await appendFile(MARKER, `${folder}\n`)
  }
}

/** The controllers that sandboxes can be limited by. */
export async function cgroupControllers(): Promise<string[]> {
  if (cgroupVersion() === 'v2') return (await readFile(join(ROOT, 'cgroup.controllers'), 'utf8')).trim().split(' ')
  const table = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '))
  const options = table.filter(([, , type]) => type === 'cgroup').flatMap(([, , , list = '']) => list.split(','))
  return [...new Set(options)].filter(
    (name) => !['rw', 'ro', 'relatime', 'nosuid', 'nodev', 'noexec', 'xattr'].includes(name),
  )
}

/** Controllers that crun would stumble over: on the v2 side of a hybrid, or in a v1 hierarchy that is not mounted. */
export async function strayControllers(): Promise<string[]> {
  const unified = await readFile(join(ROOT, 'unified', 'cgroup.controllers'), 'utf8').catch(() => '')
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
  for (const folder of new Set(folders)) if ((await subfolders(folder)).length === 0) await unmount(folder)
  await rm(MARKER, { force: true })
}

export type CgroupSample = { cpuSeconds: number; memoryBytes: number; oomKills: number; pids: number }

/** Cumulative counters and current memory (without reclaimable file cache) of a cgroup; null when it is gone. */
export async function sampleCgroup(path: string): Promise<CgroupSample | null> {
  try {
    return cgroupVersion() === 'v2' ? await sampleV2(join(ROOT, path)) : await sampleV1(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENODEV')
      return null
    throw error
  }
}

async function sampleV2(folder: string): Promise<CgroupSample> {
  const [cpu, memory, stat, events, pids] = await Promise.all(
    ['cpu.stat', 'memory.current', 'memory.stat', 'memory.events', 'pids.current'].map((file) =>
      readFile(join(folder, file), 'utf8'),
    ),
  )
  return {
    cpuSeconds: field(cpu, 'usage_usec') / 1e6,
    memoryBytes: Math.max(0, Number(memory) - field(stat, 'inactive_file')),
    oomKills: field(events, 'oom_kill'),
    pids: Number(pids),
  }
}

async function sampleV1(path: string): Promise<CgroupSample> {
  const read = (controller: string, file: string) => readFile(join(ROOT, controller, path, file), 'utf8')
  const [cpu, memory, stat, oom, pids] = await Promise.all([
    read('cpuacct', 'cpuacct.usage'),
    read('memory', 'memory.usage_in_bytes'),
    read('memory', 'memory.stat'),
    read('memory', 'memory.oom_control'),
    read('pids', 'pids.current'),
  ])
  return {
    cpuSeconds: Number(cpu) / 1e9,
    memoryBytes: Math.max(0, Number(memory) - field(stat, 'total_inactive_file')),
    oomKills: field(oom, 'oom_kill'),
    pids: Number(pids),
  }
}

function field(text: string | undefined, name: string): number {
  const match = new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')
  return match ? Number(match[1]) : 0
}

/** The folders of one cgroup path, one per mounted hierarchy. */
async function foldersOf(path: string): Promise<string[]> {
  if (cgroupVersion() === 'v2') return [join(ROOT, path)]
  const hierarchies = await readdir(ROOT, { withFileTypes: true })
  return hierarchies
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(ROOT, entry.name, path))
    .filter((folder) => existsSync(folder))
}

/** Kills whatever is left in a cgroup and below. A process that forks meanwhile is caught by the next round. */
export async function killCgroup(path: string): Promise<void> {
  const folders = await foldersOf(path)
  for (let round = 0; round < 50; round++) {
    const pids = new Set<number>()
    for (const folder of folders) for (const pid of await pidsBelow(folder)) pids.add(pid)
    if (pids.size === 0) return
    for (const pid of pids) kill(pid)
    await sleep(10)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself between the listing and now.
  }
}

async function pidsBelow(folder: string): Promise<number[]> {
  const own = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')
  const below = await Promise.all((await subfolders(folder)).map(pidsBelow))
  return [
    ...own
      .split('\n')
      .filter((line) => line !== '')
      .map(Number),
    ...below.flat(),
  ]
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name))
}

/** Removes a cgroup and everything below it, in every hierarchy; its processes must be dead. */
export async function removeCgroup(path: string): Promise<void> {
  for (const folder of await foldersOf(path)) for (const one of await treeOf(folder)) await removeFolder(one)
}

/** The deepest first. */
async function treeOf(folder: string): Promise<string[]> {
  const below = await Promise.all((await subfolders(folder)).map(treeOf))
  return [...below.flat(), folder]
}

const REMOVE_ATTEMPTS = 20

async function removeFolder(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rmdir(folder)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      // A killed process leaves its cgroup a moment after its death.
      if (code !== 'EBUSY' || attempt === REMOVE_ATTEMPTS) throw error
      await sleep(25)
    }
  }
}
