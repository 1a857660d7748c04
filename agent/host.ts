/** This machine as a host: its slot, its folders, its capacity and its heartbeat. */
import { constants, existsSync } from 'node:fs'
import { access, chmod, copyFile, link, mkdir, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { lookup } from 'node:dns/promises'
import { cpus, freemem, hostname, totalmem } from 'node:os'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import {
  HEARTBEAT_MS,
  type Capacity,
  type HostDisk,
  type HostReport,
  type HostStack,
  type RefusedJobs,
} from '#core/domain/host.ts'
import { badSetting } from '#core/domain/errors.ts'
import type { Config } from '#core/runtime/config.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import type { Store } from '#core/store/connection.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { cgroupVersion } from './sandbox/cgroup.ts'
import { prepareCgroups } from './sandbox/cgroup-mounts.ts'
import type { SandboxHost } from './sandbox/index.ts'
import { mountPoints } from './sandbox/mounts.ts'
import { enableForwarding } from './sandbox/network.ts'
import type { BindMount } from './sandbox/spec.ts'
import { ensureStack, mountStack, type DebianMirrors, type StackImage } from './stack.ts'

const SLOTS = 64
export const SLOT_FOLDER = '/run/berth/slots'

/**
 * A number that no other Berth on this machine has; it names the subnet, the nftables table, links and cgroups.
 * Claimed by a file that holds the data folder, so that the same Berth finds its own again.
 */
async function claimSlot(home: string): Promise<number> {
  await mkdir(SLOT_FOLDER, { recursive: true })
  const mine = await findSlot(home)
  if (mine !== null) return mine
  // Linked into place with its content: nobody ever reads a claim that is half written.
  const claim = join(dirname(SLOT_FOLDER), `claim-${process.pid}`)
  await writeFile(claim, home)
  try {
    for (let slot = 0; slot < SLOTS; slot++) {
      await dropAbandoned(slot)
      if (await tryLink(claim, join(SLOT_FOLDER, String(slot)))) return slot
    }
  } finally {
    await rm(claim, { force: true })
  }
  throw new Error(`All ${SLOTS} slots in ${SLOT_FOLDER} are taken. Remove those whose data folder is gone.`)
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

/** A slot whose data folder was deleted belongs to nobody any more. */
async function dropAbandoned(slot: number): Promise<void> {
  const owner = await readFile(join(SLOT_FOLDER, String(slot)), 'utf8').catch(() => null)
  if (owner !== null && !existsSync(owner)) await releaseSlot(slot)
}

export async function findSlot(home: string): Promise<number | null> {
  for (const name of await readdir(SLOT_FOLDER).catch(() => [])) {
    if ((await readFile(join(SLOT_FOLDER, name), 'utf8').catch(() => '')) === home) return Number(name)
  }
  return null
}

export const releaseSlot = (slot: number): Promise<void> => rm(join(SLOT_FOLDER, String(slot)), { force: true })

/** Does no Berth of this machine hold a slot any more? */
export const isLastSlot = async (): Promise<boolean> => (await readdir(SLOT_FOLDER).catch(() => [])).length === 0

export type Folders = {
  agent: string
  run: string
  sandboxes: string
  /** Scratch images that no instance has yet; on the sandboxes' file system, to be renamed to theirs. */
  prepared: string
  layers: string
  caches: string
  stack: string
  /** Mounted runtimes, and roots made of them. */
  runtimes: string
  etc: string
  builds: string
  platform: string
}

export const foldersOf = (home: string): Folders => {
  const agent = join(home, 'agent')
  return {
    agent,
    run: join(agent, 'run'),
    sandboxes: join(agent, 'sandboxes'),
    prepared: join(agent, 'prepared'),
    layers: join(agent, 'layers'),
    caches: join(agent, 'caches'),
    stack: join(agent, 'stack'),
    runtimes: join(agent, 'runtimes'),
    etc: join(agent, 'etc'),
    builds: join(agent, 'builds'),
    platform: join(agent, 'platform'),
  }
}

/** Folders that sandboxes' mounts lie below can be passed through (0711) but not listed by tenants' users. */
async function prepareFolders(home: string): Promise<Folders> {
  const folders = foldersOf(home)
  for (const folder of [home, ...Object.values(folders)]) await mkdir(folder, { recursive: true, mode: 0o711 })
  await chmod(home, 0o711)
  await checkPassage(home)
  if (!(await mountPoints()).includes(folders.run)) {
    await run(['mount', '-t', 'tmpfs', '-o', 'mode=0700,size=256m,nosuid,nodev,noexec', 'tmpfs', folders.run])
  }
  for (const name of ['bundles', 'exits', 'sockets', 'runtime', 'instances'])
    await mkdir(join(folders.run, name), { recursive: true, mode: 0o700 })
  return folders
}

/** A sandbox's own root user, an ordinary user of the host, must be able to pass through to its mounts. */
async function checkPassage(home: string): Promise<void> {
  for (let folder = dirname(home); folder !== '/'; folder = dirname(folder)) {
    const { mode } = await stat(folder)
    if ((mode & 0o001) === 0) {
      throw new Error(
        `BERTH_HOME ${home} lies below ${folder}, which other users may not pass through (mode ${(mode & 0o777).toString(8)}). Choose another place, or run: chmod o+x ${folder}`,
      )
    }
  }
}

/** Files of /etc that every sandbox sees. Copies: a tenant never shares an inode with the host (see the security notes). */
async function prepareEtc(folder: string, config: Config): Promise<{ binds: BindMount[]; resolvers: string[] }> {
  const resolvers = config.resolvers.length > 0 ? config.resolvers : await hostResolvers()
  await writeFile(
    join(folder, 'resolv.conf'),
    resolvers.map((address) => `nameserver ${address}\n`).join('') + 'options timeout:2 attempts:2\n',
  )
  await writeFile(join(folder, 'hosts'), '127.0.0.1 localhost\n')
  await copyFile(config.caBundle, join(folder, 'ca-certificates.crt'))
  const bind = (name: string, target: string): BindMount => ({ source: join(folder, name), target, readOnly: true })
  return {
    binds: [
      bind('resolv.conf', '/etc/resolv.conf'),
      bind('hosts', '/etc/hosts'),
      bind('ca-certificates.crt', '/etc/ssl/certs/ca-certificates.crt'),
    ],
    resolvers,
  }
}

/** The host's name servers; where it asks a local stub, the servers behind that. */
export async function hostResolvers(): Promise<string[]> {
  for (const file of ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const addresses = [...text.matchAll(/^nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map(([, address]) => address ?? '')
    const reachable = addresses.filter((address) => !address.startsWith('127.'))
    if (reachable.length > 0) return reachable
  }
  return []
}

/**
 * Where no tenant's policy leads: what the operator named, and the control plane, wherever its names point.
 * @throws when a name has no address: then the rules could not keep apps away from it
 */
export async function platformNetworks(config: Config): Promise<string[]> {
  const urls = [config.controllerUrl, ...(config.redisUrl.startsWith('unix:') ? [] : [config.redisUrl])]
  const names = urls.map((url) => new URL(url).hostname).filter((name) => !name.startsWith('[')) // IPv6 is closed as a whole.
  const found = await Promise.all(names.map((name) => lookup(name, { family: 4, all: true })))
  return [...config.blocked, ...found.flat().map(({ address }) => address)]
}

/**
 * The whole path of the OCI runtime, as conmon wants it.
 * @throws BAD_SETTING when there is no such program
 */
export async function runtimePath(runtime: string): Promise<string> {
  const folders = isAbsolute(runtime)
    ? ['/']
    : [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
  for (const folder of folders) {
    const path = join(folder, runtime)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found && isAbsolute(path)) return path
  }
  throw badSetting('BERTH_OCI_RUNTIME', runtime, 'an OCI runtime that is installed on this host')
}

const CA_FILE = '/etc/ssl/certs/ca-certificates.crt'
/** Where the usual programs look for certificate authorities, so that a company's own proxy works inside too. */
export const certificateEnv: Record<string, string> = {
  NODE_EXTRA_CA_CERTS: CA_FILE,
  SSL_CERT_FILE: CA_FILE,
  PIP_CERT: CA_FILE,
  NPM_CONFIG_CAFILE: CA_FILE,
}

/** What this host offers: the machine less a reserve, so that a full host can still run its own agent. */
export async function capacityOf(config: Config): Promise<Capacity> {
  const totalMb = Math.floor(totalmem() / 1024 / 1024)
  const { bavail, bsize } = await statfs(config.home)
  return {
    memoryMb: config.capacityMemoryMb ?? Math.floor(totalMb - Math.max(512, totalMb * 0.1)),
    cpuMilli: cpus().length * 1000,
    // Scratch images are sparse: their sizes are promises, of which few are used up at the same time.
    diskMb: Math.floor((bavail * bsize * 4) / 1024 / 1024),
    slots: 2000,
  }
}

export const mirrorsOf = (config: Config): DebianMirrors => ({
  main: config.debianMirror,
  security: config.debianSecurityMirror,
})

/** What every sandbox of this machine needs, made ready: folders, slot, stack image, cgroups, forwarding, /etc. */
export type OpenHost = { host: SandboxHost; folders: Folders; stack: StackImage; resolvers: string[] }

/** Makes this machine ready to run sandboxes; idempotent. The network's rules are left to the caller, who knows what runs. */
export async function openHost(config: Config, log: Log): Promise<OpenHost> {
  const folders = await prepareFolders(config.home)
  const slot = await claimSlot(config.home)
  const onProgress = (line: string) => log.info('stack image', { line })
  const stack = await ensureStack({ cacheDir: config.cache, mirrors: mirrorsOf(config), onProgress, log })
  const rootPath = join(folders.stack, stack.name)
  await mountStack(stack, rootPath)
  await prepareCgroups()
  await enableForwarding()
  const { binds, resolvers } = await prepareEtc(folders.etc, config)
  return {
    host: {
      slot,
      folder: folders.sandboxes,
      runFolder: folders.run,
      rootPath,
      runtime: await runtimePath(config.ociRuntime),
      commonBinds: binds,
    },
    folders,
    stack,
    resolvers,
  }
}

export type Heart = { stop(): Promise<void> }

/** Registers this host and renews its lease until stopped. The first beat is done when this returns. */
export async function startHeartbeat(context: {
  store: Store
  log: Log
  config: Config
  stack: string
  stacks: () => HostStack[]
  refusedJobs: () => RefusedJobs
  capacity: Capacity
  now: () => number
}): Promise<Heart> {
  const { store, log, config, stack, stacks, refusedJobs, capacity, now } = context
  const startedAt = now()
  const stopping = new AbortController()
  let cpuBefore = process.hrtime.bigint()
  let busyBefore = await busyTicks()

  async function beat(): Promise<void> {
    const at = process.hrtime.bigint()
    const busy = await busyTicks()
    const seconds = Number(at - cpuBefore) / 1e9
    const cpuMilliUsed = seconds > 0.5 ? Math.round(((busy - busyBefore) / TICKS_PER_SECOND / seconds) * 1000) : 0
    cpuBefore = at
    busyBefore = busy
    const report: HostReport = {
      id: config.hostId,
      hostname: hostname(),
      capacity,
      stack,
      stacks: stacks(),
      version: process.version,
      cgroup: cgroupVersion(),
      startedAt,
      cpuMilliUsed,
      refusedJobs: refusedJobs(),
      memoryMbUsed: Math.round((totalmem() - (await availableMemory())) / 1024 / 1024),
    }
    await heartbeat(store, report, await diskOf(config.home))
  }

  await beat()
  const beats = repeat(HEARTBEAT_MS, beat, stopping.signal, (error) => log.warn('heartbeat failed', { error }))
  return {
    async stop() {
      stopping.abort()
      await beats
    },
  }
}

const TICKS_PER_SECOND = 100

/** CPU time of all processes since boot, in ticks (proc(5), /proc/stat: user nice system … irq softirq). */
async function busyTicks(): Promise<number> {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    (await readFile('/proc/stat', 'utf8')).split('\n')[0]?.trim().split(/\s+/).slice(1).map(Number) ?? []
  return user + nice + system + irq + softirq
}

async function availableMemory(): Promise<number> {
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(await readFile('/proc/meminfo', 'utf8'))
  return match ? Number(match[1]) * 1024 : freemem()
}

/** As `df` has it: of what is not kept back for root. A disk that cannot be asked now is not worth a heartbeat. */
async function diskOf(folder: string): Promise<HostDisk | null> {
  try {
    const { blocks, bfree, bavail, bsize } = await statfs(folder)
    const usedBytes = (blocks - bfree) * bsize
    return { usedBytes, totalBytes: usedBytes + bavail * bsize }
  } catch {
    return null
  }
}
