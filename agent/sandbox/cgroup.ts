/**
 * The cgroups of instances. A tenant has a cgroup, below it each of its apps, below that each instance, so that shares and
 * metering sum by construction:
 *
 *     /berth-SLOT                      the sum of all
 *       TENANT/APP/INSTANCE            by weight between tenants, evenly between apps, by size between instances
 *       _builds/TENANT/APP/BUILD       together as light as a tenth of a tenant: running traffic comes first
 *       _builds/_packers               what packs what they left
 *       _output/TENANT                 what keeps the output of a tenant's instances
 *       _platform                      what the agent prepares for all, as light as builds
 *
 * What the files are called and say on v1 and v2 is in cgroup-files.ts.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { readdir, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import {
  ORDINARY_WEIGHT,
  parseOomKills,
  parseSample,
  weightWrites,
  wholeOomWrites,
  type CgroupSample,
  type CgroupVersion,
  type Write,
} from './cgroup-files.ts'

export type { CgroupSample, CgroupVersion }

export const CGROUP_ROOT = '/sys/fs/cgroup'

let known: CgroupVersion | null = null
/** Looked at once: it does not change while the machine is up. */
export const cgroupVersion = (): CgroupVersion =>
  (known ??= existsSync(join(CGROUP_ROOT, 'cgroup.controllers')) ? 'v2' : 'v1')

// ── the tree ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Ids are `[a-z0-9-]`, so no tenant's can be these, and all are safe in paths. */
const BUILDS = '_builds'
const OUTPUT = '_output'
const PLATFORM = '_platform'
const PACKERS = '_packers'

/** Paths below a hierarchy's root, as OCI's cgroupsPath has them. */
export const slotPath = (slot: number): string => `/berth-${slot}`
export const buildsPath = (slot: number): string => join(slotPath(slot), BUILDS)
export const platformPath = (slot: number): string => join(slotPath(slot), PLATFORM)
export const tenantPath = (slot: number, tenant: string): string => join(slotPath(slot), tenant)
export const tenantBuildsPath = (slot: number, tenant: string): string => join(buildsPath(slot), tenant)
export const tenantOutputPath = (slot: number, tenant: string): string => join(slotPath(slot), OUTPUT, tenant)
export const cgroupPath = (slot: number, tenant: string, app: string, id: string): string =>
  join(tenantPath(slot, tenant), app, id)
/** Builds have a tree of their own: they neither count against their tenant's memory nor compete with its apps. */
export const buildCgroupPath = (slot: number, tenant: string, app: string, id: string): string =>
  join(tenantBuildsPath(slot, tenant), app, id)

/** The tenant of an instance's or a build's cgroup. */
export const tenantOf = (path: string): string => path.split('/').at(-3) ?? ''

/** Of all builds of a host together, against one tenant's ORDINARY_WEIGHT. */
const BUILDS_WEIGHT = 10

export const folderIn = (controller: string, path: string): string =>
  cgroupVersion() === 'v2' ? `${CGROUP_ROOT}${path}` : `${CGROUP_ROOT}/${controller}${path}`

/** v1: those mounted, one per controller or for some together (`cpu,cpuacct`, with a link from each name). */
const hierarchies = (): string[] =>
  readdirSync(CGROUP_ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

/** The folders of one cgroup path that are there, one per hierarchy. */
export const foldersOf = (path: string): string[] =>
  (cgroupVersion() === 'v2' ? [CGROUP_ROOT] : hierarchies().map((name) => join(CGROUP_ROOT, name)))
    .map((root) => join(root, path))
    .filter((folder) => existsSync(folder))

/**
 * Makes a cgroup and those above it; what is there already stays as it is. Without a pause, so that nobody who removes
 * empty ones (see pruneCgroups) comes between.
 */
export function makeCgroup(path: string, controllers: string[] = hierarchies()): void {
  const levels = levelsOf(path)
  if (cgroupVersion() === 'v2') {
    for (const level of levels) {
      delegate(dirname(level))
      if (makeFolder(join(CGROUP_ROOT, level)) && level.endsWith(`/${BUILDS}`)) weigh(level, BUILDS_WEIGHT)
    }
    return
  }
  for (const controller of controllers) {
    const held = controller.split(',')
    for (const level of levels) {
      const folder = folderIn(controller, level)
      if (!makeFolder(folder)) continue
      if (held.includes('cpuset')) inheritCpus(folder)
      if (held.includes('cpu') && level.endsWith(`/${BUILDS}`)) weigh(level, BUILDS_WEIGHT)
    }
  }
}

/** The names of the cgroups right below one, in the hierarchy that limits CPU. */
export const childrenOf = (path: string): string[] =>
  readdirSync(folderIn('cpu', path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

export async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name))
}

/** `/a/b/c` → `/a`, `/a/b`, `/a/b/c`. */
const levelsOf = (path: string): string[] =>
  path
    .split('/')
    .slice(1)
    .map((_, depth, names) => `/${names.slice(0, depth + 1).join('/')}`)

/** @returns whether it is new */
function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

const DELEGATED = ['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb']

/** v2: lets the cgroups below have controllers of their own, as far as the machine has them. */
function delegate(path: string): void {
  const folder = join(CGROUP_ROOT, path)
  const there = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ')
  const given = readFileSync(join(folder, 'cgroup.subtree_control'), 'utf8').trim().split(' ')
  const missing = DELEGATED.filter((name) => there.includes(name) && !given.includes(name))
  if (missing.length > 0)
    writeFileSync(join(folder, 'cgroup.subtree_control'), missing.map((name) => `+${name}`).join(' '))
}

/** v1: a new cpuset has neither cores nor memory nodes, and takes no process until it has. */
function inheritCpus(folder: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    writeFileSync(join(folder, file), readFileSync(join(dirname(folder), file), 'utf8').trim())
}

const weigh = (path: string, weight: number): void => applyWrites(path, weightWrites(cgroupVersion(), weight))

/** An instance's cgroup, before the OCI runtime puts its process in: with its weight among the instances of its app. */
export function makeInstanceCgroup(path: string, cpuMilli: number): void {
  makeCgroup(path)
  applyWrites(path, [...weightWrites(cgroupVersion(), weightOf(cpuMilli)), ...wholeOomWrites(cgroupVersion())])
}

/** Puts a program of the agent's own that takes long, and all that it starts, behind what tenants run. */
export function stepBack(slot: number, pid: number): void {
  const path = platformPath(slot)
  makeCgroup(path, ['cpu'])
  weigh(path, BUILDS_WEIGHT)
  applyWrites(path, [{ controller: 'cpu', file: 'cgroup.procs', value: String(pid) }])
}

/** A packer of the agent's own is as light as the builds whose files it packs, and goes with what is left of them. */
export function packAmongBuilds(slot: number, pid: number): void {
  const path = join(buildsPath(slot), PACKERS)
  makeCgroup(path, ['cpu'])
  applyWrites(path, [{ controller: 'cpu', file: 'cgroup.procs', value: String(pid) }])
}

/** One core is the ordinary weight. */
export const weightOf = (cpuMilli: number): number => (cpuMilli * ORDINARY_WEIGHT) / 1000

export function applyWrites(path: string, writes: Write[]): void {
  for (const { controller, file, value } of writes) writeFileSync(join(folderIn(controller, path), file), value)
}

// ── counters ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Counters and current use of a cgroup; null when it is gone. Synchronous: a dozen small files of the kernel's memory are
 * read faster than promises of them are made, and a host samples hundreds of instances.
 */
export function sampleCgroup(path: string): CgroupSample | null {
  const read = readerOf(path)
  return unlessGone(() =>
    parseSample(cgroupVersion(), read, (controller, file) => unlessGone(() => read(controller, file)) ?? ''),
  )
}

/** Whether a process of this cgroup was killed for want of memory. */
export const hasOomKills = (path: string): boolean =>
  (unlessGone(() => parseOomKills(cgroupVersion(), readerOf(path))) ?? 0) > 0

function unlessGone<T>(look: () => T): T | null {
  try {
    return look()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENODEV') return null
    throw error
  }
}

/** memory.stat, the largest of the files, has about 2 KiB. */
const buffer = Buffer.alloc(16_384)

export const readerOf =
  (path: string) =>
  (controller: string, file: string): string => {
    const descriptor = openSync(`${folderIn(controller, path)}/${file}`, 'r')
    try {
      return buffer.toString('latin1', 0, readSync(descriptor, buffer))
    } finally {
      closeSync(descriptor)
    }
  }

// ── removing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Removes a cgroup and everything below it, in every hierarchy; its processes must be dead. */
export async function removeCgroup(path: string): Promise<void> {
  for (const folder of foldersOf(path)) for (const one of await treeOf(folder)) await removeFolder(one)
}

/** Removes a cgroup if nothing is below it, then the one above it in the same way, but not the host's. See makeCgroup. */
export function pruneCgroups(path: string): void {
  for (const folder of foldersOf(path)) {
    for (let one = folder, depth = path.split('/').length; depth > 2; depth--, one = dirname(one)) {
      try {
        rmdirSync(one)
      } catch {
        break
      }
    }
  }
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
