/** What this machine has and allows, as far as limits must name it. */
import { existsSync } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CGROUP_ROOT, cgroupVersion } from './cgroup.ts'
import type { Device } from './cgroup-files.ts'

/** The most open files that a process can be allowed: without CAP_SYS_RESOURCE, no more than the agent itself. */
export async function maxOpenFiles(): Promise<number> {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1]
  return hard === undefined || hard === 'unlimited' ? Infinity : Number(hard)
}

/** Sizes of huge pages whose use can be limited, as OCI names them: `2MB`, `1GB`. */
export async function hugePages(): Promise<string[]> {
  const controllers = await readFile(join(CGROUP_ROOT, 'cgroup.controllers'), 'utf8').catch(() => '')
  const limited =
    cgroupVersion() === 'v2' ? / hugetlb\b/.test(` ${controllers}`) : existsSync(join(CGROUP_ROOT, 'hugetlb'))
  const names = limited ? await readdir('/sys/kernel/mm/hugepages').catch(() => []) : []
  return names.map((name) => pageSize(Number(/\d+/.exec(name)?.[0])))
}

function pageSize(kilobytes: number): string {
  if (kilobytes >= 1024 * 1024) return `${kilobytes / 1024 / 1024}GB`
  return kilobytes >= 1024 ? `${kilobytes / 1024}MB` : `${kilobytes}KB`
}

/**
 * The block devices that paths lie on. Limits name whole disks, so a partition stands for its disk; a filesystem without
 * a device of its own (tmpfs, overlay, btrfs) has none.
 */
export async function disksOf(paths: string[]): Promise<Device[]> {
  const found = await Promise.all(paths.map(async (path) => wholeDisk(deviceOf((await stat(path)).dev))))
  const disks = found.filter(({ major }) => major !== 0)
  return disks.filter((disk, n) => disks.findIndex((other) => isSame(disk, other)) === n)
}

/** As the kernel packs them: 12 bits of major, 20 of minor (makedev(3)). */
export const deviceOf = (dev: number): Device => ({
  major: (dev >>> 8) & 0xfff,
  minor: (dev & 0xff) | ((dev >>> 12) & 0xfff00),
})

const isSame = (a: Device, b: Device): boolean => a.major === b.major && a.minor === b.minor

async function wholeDisk(device: Device): Promise<Device> {
  const entry = `/sys/dev/block/${device.major}:${device.minor}`
  if (!existsSync(join(entry, 'partition'))) return device
  const [major, minor] = (await readFile(join(await realpath(entry), '..', 'dev'), 'utf8'))
    .trim()
    .split(':')
    .map(Number)
  return { major: major ?? 0, minor: minor ?? 0 }
}
