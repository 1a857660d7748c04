/**
 * What a tenant may use of a host, all its instances together: a cap on memory and CPU, its weight against other tenants,
 * and cores of its own.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cpus } from 'node:os'
import type { TenantShare } from '#core/domain/quota.ts'
import { adjustMemory, memoryLimit, type Adjusted } from './adjust.ts'
import {
  applyWrites,
  cgroupVersion,
  folderIn,
  makeCgroup,
  pruneCgroups,
  readerOf,
  slotPath,
  childrenOf,
  buildsPath,
  tenantBuildsPath,
  tenantOf,
  tenantOutputPath,
  tenantPath,
} from './cgroup.ts'
import { cpuQuota, cpuWrites, weightWrites } from './cgroup-files.ts'
import { assignCpus, formatCpus, parseCpus } from './cpus.ts'

export type KernelShare = Pick<TenantShare, 'memoryMb' | 'cpuMilli' | 'weight' | 'cpus'>

/** What was put in force, by slot and tenant: the same again costs nothing, and who reserved which cores is known. */
const inForce = new Map<number, Map<string, KernelShare>>()
const tenantsOf = (slot: number): Map<string, KernelShare> => {
  const known = inForce.get(slot) ?? new Map<string, KernelShare>()
  inForce.set(slot, known)
  return known
}

const MIB = 1024 * 1024

/**
 * Makes or changes a tenant's cgroup on this host. Idempotent, and cheap when nothing changed.
 * @returns refused when its processes use more memory than the new cap, in bytes: the old cap stays in force, nothing is
 * killed, and the next call tries again; all else is in force
 */
export async function shareTenant(slot: number, tenant: string, share: KernelShare): Promise<Adjusted> {
  const path = tenantPath(slot, tenant)
  makeCgroup(path)
  if (isInForce(slot, tenant, share)) return { refused: null }
  tenantsOf(slot).set(tenant, share)
  applyWrites(path, weightWrites(cgroupVersion(), share.weight))
  limitCpu(path, share.cpuMilli)
  alignCpus(slot)
  return adjustMemory(path, share.memoryMb * MIB)
}

/** The memory cap is written last, so with it all the rest is in force; a cgroup that was made anew has none. */
function isInForce(slot: number, tenant: string, share: KernelShare): boolean {
  const known = tenantsOf(slot).get(tenant)
  return known !== undefined && isSame(known, share) && memoryLimit(tenantPath(slot, tenant)) === share.memoryMb * MIB
}

const isSame = (a: KernelShare, b: KernelShare): boolean =>
  a.memoryMb === b.memoryMb && a.cpuMilli === b.cpuMilli && a.weight === b.weight && a.cpus === b.cpus

/** More than the machine has is no limit. v1 wants no cgroup below to be allowed more than the one above. */
function limitCpu(path: string, cpuMilli: number): void {
  const ceiling = cpuMilli >= cpus().length * 1000 ? null : cpuMilli
  if (cgroupVersion() === 'v1' && ceiling !== null) lowerBelow(path, ceiling)
  applyWrites(path, cpuWrites(cgroupVersion(), ceiling))
}

function lowerBelow(path: string, cpuMilli: number): void {
  for (const name of childrenOf(path)) {
    const child = join(path, name)
    lowerBelow(child, cpuMilli)
    if (Number(readerOf(child)('cpu', 'cpu.cfs_quota_us')) > cpuQuota(cpuMilli))
      applyWrites(child, cpuWrites('v1', cpuMilli))
  }
}

/**
 * Removes what an instance leaves of its tenant's cgroups when it was the last one. A tenant that has nothing on this host
 * any more is forgotten: the cores that it reserved are for the others again.
 * @param path of the instance's own cgroup, which is gone
 */
export function leaveTenant(slot: number, path: string): void {
  const tenant = tenantOf(path)
  pruneCgroups(dirname(path))
  pruneCgroups(tenantOutputPath(slot, tenant))
  if ([tenantPath, tenantBuildsPath].some((pathOf) => existsSync(folderIn('cpu', pathOf(slot, tenant))))) return
  const left = tenantsOf(slot).get(tenant)
  tenantsOf(slot).delete(tenant)
  if (left?.cpus) alignCpus(slot)
}

/** Of one core, for all of a tenant's instances: some 100 MB/s, so that a flood waits in its pipe instead. */
const OUTPUT_CPU_MILLI = 200

/**
 * What keeps an instance's output works for its tenant, so it takes no more CPU than a tenant's share of that: left alone,
 * a process that prints without end costs the host a second core.
 */
export function limitOutput(slot: number, tenant: string, pid: number): void {
  const path = tenantOutputPath(slot, tenant)
  makeCgroup(path, ['cpu'])
  applyWrites(path, [
    ...cpuWrites(cgroupVersion(), OUTPUT_CPU_MILLI),
    { controller: 'cpu', file: 'cgroup.procs', value: String(pid) },
  ])
}

// ── cores ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Puts every tenant's apps and builds on the tenant's cores; a build of a tenant that runs nothing here, on the shared. */
export function alignCpus(slot: number): void {
  const builders = existsSync(folderIn('cpu', buildsPath(slot))) ? childrenOf(buildsPath(slot)) : []
  const reserved = new Map([
    ...builders.map((tenant) => [tenant, null] as const),
    ...[...tenantsOf(slot)].map(([tenant, { cpus: list }]) => [tenant, list] as const),
  ])
  const assigned = assignCpus(machineCpus(slot), reserved)
  for (const [tenant, cores] of assigned) {
    for (const path of [tenantPath(slot, tenant), tenantBuildsPath(slot, tenant)])
      if (existsSync(folderIn('cpuset', path))) moveToCpus(path, formatCpus(cores))
  }
}

const machineCpus = (slot: number): number[] =>
  parseCpus(readerOf(slotPath(slot))('cpuset', cgroupVersion() === 'v2' ? 'cpuset.cpus.effective' : 'cpuset.cpus'))

/**
 * On v2 those below follow by themselves. On v1 each cgroup has a list of its own, always within that of the one above:
 * so first all may run on the old cores and the new, from the top down, then on the new ones, from the bottom up.
 */
function moveToCpus(path: string, cores: string): void {
  const now = readerOf(path)('cpuset', 'cpuset.cpus').trim()
  if (now === cores) return
  if (cgroupVersion() === 'v2') return setCpus(path, cores)
  const tree = descend(path)
  const both = formatCpus([...new Set([...parseCpus(now), ...parseCpus(cores)])])
  for (const one of tree) setCpus(one, both)
  for (const one of tree.reverse()) setCpus(one, cores)
}

const setCpus = (path: string, cores: string): void =>
  writeFileSync(join(folderIn('cpuset', path), 'cpuset.cpus'), cores)

/** A cgroup and those below it, the higher before the lower. */
const descend = (path: string): string[] => [path, ...childrenOf(path).flatMap((name) => descend(join(path, name)))]
