/** Looks at the machine. What cannot be seen becomes null or empty; nothing here decides, and nothing is changed. */
import { existsSync } from 'node:fs'
import { readdir, readFile, realpath, stat, statfs } from 'node:fs/promises'
import { release } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { messageOf } from '#core/domain/errors.ts'
import type { Config } from '#core/runtime/config.ts'
import { run } from '#core/runtime/process.ts'
import { hostResolvers, SLOT_FOLDER } from '../host.ts'
import { cgroupVersion } from '../sandbox/cgroup.ts'
import { cgroupControllers, strayControllers } from '../sandbox/cgroup-mounts.ts'
import { mountPoints } from '../sandbox/mounts.ts'
import { riskyModules } from './checks.ts'
import { programNames, type Facts, type ProgramName } from './facts.ts'
import { buildDateOf, forwardPoliciesOf, isBlacklisted, settingsOf, strayHomesOf } from './parse.ts'
import { wantedSysctls } from './sysctls.ts'

export async function readFacts(config: Config, now: number): Promise<Facts> {
  const slots = await readSlots()
  return {
    now,
    isRoot: process.geteuid?.() === 0,
    kernel: await readKernel(),
    cgroup: { version: cgroupVersion(), controllers: await cgroupControllers(), stray: await strayControllers() },
    programs: await readPrograms(),
    redisEmbedded: config.redisEmbedded,
    firewall: await readFirewall(),
    sysctls: Object.fromEntries(
      await Promise.all(wantedSysctls.map(async ({ name }) => [name, await readSysctl(name)] as const)),
    ),
    swapKb: await readSwap(),
    ksm: (await text('/sys/kernel/mm/ksm/run')) === '1',
    smt: await readSmt(),
    conntrack: await readConntrack(),
    nofileHard: await readOpenFiles(),
    capabilities: BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec((await text('/proc/self/status')) ?? '')?.[1] ?? '0'}`),
    disks: await readDisks(config),
    blockedPassage: await readPassage(config.home),
    clock: await readClock(),
    resolvers: config.resolvers.length > 0 ? config.resolvers : await hostResolvers(),
    caBundle: { path: config.caBundle, certificates: await countCertificates(config.caBundle) },
    slots,
    strayMounts: strayHomesOf(
      await mountPoints(),
      slots.map(({ home }) => home),
    ),
  }
}

const text = (file: string): Promise<string | null> =>
  readFile(file, 'utf8').then(
    (content) => content.trim(),
    () => null,
  )

/** What a program prints, whatever its exit code; null when it is not there. */
async function said(...argv: [string, ...string[]]): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(argv, { timeoutMs: 10_000 })
    return stdout + stderr
  } catch {
    return null
  }
}

async function readKernel(): Promise<Facts['kernel']> {
  const loaded = (await readdir('/sys/module').catch(() => [])).map(plain)
  const maxUserNamespaces = await readSysctl('user.max_user_namespaces')
  return {
    release: release(),
    builtAt: buildDateOf((await text('/proc/version')) ?? ''),
    settings: await readSettings(),
    filesystems: ((await text('/proc/filesystems')) ?? '').split('\n').map((line) => line.replace(/^nodev/, '').trim()),
    maxUserNamespaces: maxUserNamespaces === null ? null : Number(maxUserNamespaces),
    seccomp: existsSync('/proc/sys/kernel/seccomp/actions_avail'),
    modules: loaded,
    loadable: (await loadableModules()).filter((name) => !loaded.includes(name)),
  }
}

async function readSettings(): Promise<ReadonlyMap<string, string> | null> {
  const packed = await readFile('/proc/config.gz').catch(() => null)
  const config = packed ? (await promisify(gunzip)(packed)).toString('utf8') : await text(`/boot/config-${release()}`)
  return config === null ? null : settingsOf(config)
}

const plain = (module: string): string => module.replaceAll('-', '_')

/** Of those that matter here: file systems, and what is better absent. */
async function loadableModules(): Promise<string[]> {
  const installed = ((await text(`/lib/modules/${release()}/modules.dep`)) ?? '')
    .split('\n')
    .map((line) => plain(/([^/]+)\.ko(?:\.\w+)?:/.exec(line)?.[1] ?? ''))
  const rules = await modprobeRules()
  return ['overlay', 'erofs', 'squashfs', 'ext4', ...riskyModules].filter(
    (name) => installed.includes(name) && !isBlacklisted(name, rules),
  )
}

async function modprobeRules(): Promise<string> {
  const folders = ['/etc/modprobe.d', '/run/modprobe.d', '/usr/lib/modprobe.d', '/lib/modprobe.d']
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(folder).catch(() => [])).map((name) => join(folder, name))),
  )
  const texts = await Promise.all(
    files
      .flat()
      .filter((file) => file.endsWith('.conf'))
      .map(text),
  )
  return texts.map((content) => content ?? '').join('\n')
}

const versionArguments: Partial<Record<ProgramName, string[]>> = {
  'mkfs.erofs': ['--help'],
  mksquashfs: ['-version'],
  'mkfs.ext4': ['-V'],
  ip: ['-V'],
}

async function readPrograms(): Promise<Facts['programs']> {
  const found = await Promise.all(
    programNames.map(async (name) => {
      const answer = await said(name, ...(versionArguments[name] ?? ['--version']))
      return [name, answer === null ? null : (/\d+(\.\d+)+/.exec(answer)?.[0] ?? 'there')] as const
    }),
  )
  return Object.fromEntries(found) as Facts['programs']
}

async function readFirewall(): Promise<Facts['firewall']> {
  const paths = new Set<string>()
  for (const folder of [
    '/usr/local/sbin',
    '/usr/local/bin',
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/sbin',
  ]) {
    const found = await realpath(join(folder, 'nft')).catch(() => null)
    if (found) paths.add(found)
  }
  const nft = await Promise.all(
    [...paths].map(async (path) => ({
      path,
      version: /v(\d+(\.\d+)+)/.exec((await said(path, '--version')) ?? '')?.[1] ?? 'unknown',
    })),
  )
  const ruleset =
    paths.size === 0 ? '' : await run(['nft', 'list', 'ruleset']).catch((error: unknown) => messageOf(error))
  const legacy = (await said('iptables-legacy', '-S', 'FORWARD')) ?? ''
  return {
    nft,
    listing: typeof ruleset === 'string' && ruleset !== '' ? ruleset : null,
    forwardPolicies: forwardPoliciesOf(typeof ruleset === 'string' ? '' : ruleset.stdout, legacy),
  }
}

const readSysctl = (name: string): Promise<string | null> => text(join('/proc/sys', name.replaceAll('.', '/')))

async function readSwap(): Promise<number> {
  const lines = ((await text('/proc/swaps')) ?? '').split('\n').slice(1)
  return lines.reduce((sum, line) => sum + Number(line.split(/\s+/)[2] ?? 0), 0)
}

async function readSmt(): Promise<boolean | null> {
  const active = await text('/sys/devices/system/cpu/smt/active')
  return active === null ? null : active === '1'
}

async function readConntrack(): Promise<Facts['conntrack']> {
  const [count, max] = await Promise.all([
    readSysctl('net.netfilter.nf_conntrack_count'),
    readSysctl('net.netfilter.nf_conntrack_max'),
  ])
  return count === null || max === null ? null : { count: Number(count), max: Number(max) }
}

/** proc(5), /proc/pid/limits: the second number is the hard limit. */
async function readOpenFiles(): Promise<number> {
  const [, hard = '0'] = /^Max open files\s+\S+\s+(\S+)/m.exec((await text('/proc/self/limits')) ?? '') ?? []
  return hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard)
}

function readDisks({ home, cache }: Config): Promise<Facts['disks']> {
  const wanted = { BERTH_HOME: home, BERTH_CACHE: cache }
  return Promise.all(
    Object.entries(wanted).map(async ([setting, path]) => {
      const { bavail, blocks, bsize, ffree, files } = await statfs(nearest(path))
      return {
        setting,
        path,
        freeBytes: bavail * bsize,
        totalBytes: blocks * bsize,
        freeInodes: ffree,
        totalInodes: files,
      }
    }),
  )
}

/** The folder itself, or the one in which it would be made. */
const nearest = (path: string): string => (existsSync(path) ? path : nearest(dirname(path)))

async function readPassage(home: string): Promise<Facts['blockedPassage']> {
  for (let path = nearest(dirname(home)); path !== '/'; path = dirname(path)) {
    const { mode } = await stat(path)
    if ((mode & 0o001) === 0) return { path, mode: mode & 0o7777 }
  }
  return null
}

async function readClock(): Promise<Facts['clock']> {
  const told = (await said('timedatectl', 'show', '--property=NTPSynchronized', '--value'))?.trim()
  if (told === 'yes') return 'synchronised'
  if (told === 'no') return 'unsynchronised'
  const keepers = ['chronyd', 'ntpd', 'systemd-timesyn', 'openntpd']
  return (await processes()).some(({ name }) => keepers.includes(name)) ? 'synchronised' : 'unknown'
}

async function countCertificates(path: string): Promise<number | null> {
  const bundle = await text(path)
  return bundle === null ? null : bundle.split('-----BEGIN CERTIFICATE-----').length - 1
}

async function readSlots(): Promise<Facts['slots']> {
  const names = await readdir(SLOT_FOLDER).catch(() => [])
  if (names.length === 0) return []
  const agents = (await processes()).filter(({ commandLine }) => /(^|\/)agent\/main\.ts$/.test(commandLine[1] ?? ''))
  const homes = await Promise.all(agents.map(({ pid }) => homeOf(pid)))
  return Promise.all(
    names.map(async (name) => {
      const home = (await text(join(SLOT_FOLDER, name))) ?? ''
      return { slot: Number(name), home, homeExists: existsSync(home), agentRuns: homes.includes(home) }
    }),
  )
}

type Process = { pid: string; name: string; commandLine: string[] }

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return Promise.all(
    pids.map(async (pid) => ({
      pid,
      name: (await text(`/proc/${pid}/comm`)) ?? '',
      commandLine: ((await text(`/proc/${pid}/cmdline`)) ?? '').split('\0').filter((part) => !part.startsWith('--')),
    })),
  )
}

async function homeOf(pid: string): Promise<string> {
  const environment = ((await text(`/proc/${pid}/environ`)) ?? '').split('\0')
  return environment.find((entry) => entry.startsWith('BERTH_HOME='))?.slice('BERTH_HOME='.length) ?? '/var/lib/berth'
}
