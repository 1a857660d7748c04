/**
 * The contract of a sandbox. Everything that runs a tenant's code, of whatever kind, goes through `createSandbox`; what
 * is needed to find it again after a restart of the agent is the `SandboxHandle`, plain data.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAppRange } from '#core/domain/app.ts'
import type { TenantShare } from '#core/domain/quota.ts'
import type { Ceilings, Resources } from '#core/domain/resources.ts'
import { adjustCgroup, type Adjusted } from './adjust.ts'
import {
  buildCgroupPath,
  cgroupPath,
  cgroupVersion,
  makeInstanceCgroup,
  removeCgroup,
  sampleCgroup,
  type CgroupSample,
} from './cgroup.ts'
import { isRunning, startTimeOf, waitForExit } from './exits.ts'
import {
  diskUseOf,
  openScratch,
  prepareScratch,
  removeScratch,
  scratchOf,
  usedBytes,
  type DiskUse,
  type Scratch,
} from './filesystem.ts'
import { endLeftExecs, execIn, type ExecRequest, type Executed } from './exec.ts'
import { freezeCgroup, killCgroup, thawCgroup } from './freezer.ts'
import { linkOf, type Link, type PublishedPort } from './link.ts'
import { disksOf, hugePages, maxOpenFiles } from './machine.ts'
import { adjustLink, openLink, prepareLink, removeLink, sampleLink, setTenantEgress } from './network.ts'
import { endWhenOutOfMemory } from './oom.ts'
import { createProcess, deleteProcess, startProcess, terminateProcess, type ProcessFiles } from './process.ts'
import { seccompProfile } from './seccomp.ts'
import { ociSpec, type BindMount } from './spec.ts'
import type { Streams } from './streams.ts'
import { alignCpus, leaveTenant, limitOutput, shareTenant } from './tenants.ts'

/** What a host gives to all its sandboxes. */
export type SandboxHost = {
  slot: number
  /** Folder of scratch images and logs. */
  folder: string
  /** tmpfs, 0700: bundles with secrets and exit codes. */
  runFolder: string
  /** Its own stack, mounted. */
  rootPath: string
  runtime: string
  /** Files that every sandbox gets: resolver, hosts, certificate authorities. */
  commonBinds: BindMount[]
}

export type SandboxRequest = {
  id: string
  tenantId: string
  appId: string
  uidBase: number
  /** The mounted stack that it runs on. */
  rootPath: string
  hostname: string
  argv: string[]
  env: Record<string, string>
  size: Resources
  ceilings: Ceilings
  /** What its tenant may use on this host, in force before the process starts. A build is not part of it. */
  share: TenantShare
  files: SandboxFiles
  binds: BindMount[]
  index: number
  published: PublishedPort | null
  /** Pipes to its first process, for a run that somebody is attached to. */
  streams?: Pick<Streams, 'theirs' | 'handOver'> | null
  /** A folder that holds a mounted scratch image, where that and the link of this index were made before; null: make them. */
  preparedFolder: string | null
}

/**
 * What is at /app and /tmp. `layers`: mounted folders of a slug, the lowest first, under a writable image that lives as long
 * as the sandbox. `workspace`: folders that outlive it, inside an image of their own; the sandboxes of one build share them.
 */
export type SandboxFiles = { kind: 'layers'; layers: string[] } | { kind: 'workspace'; app: string; temporary: string }

export type SandboxHandle = {
  id: string
  index: number
  published: PublishedPort | null
  cgroup: string
  pid: number
  startTime: string
  /** When its process was started, ms since 1970; with the id it names one life for the meter. */
  startedAt: number
}

export type Sample = CgroupSample & {
  /** Written and still there, on the image that is its disk. */
  diskBytes: number
  networkInBytes: number
  networkOutBytes: number
}

const SHM_MB = 64

/** Makes a sandbox and starts its process. What was made before a failure is removed again. */
export async function createSandbox(host: SandboxHost, request: SandboxRequest): Promise<SandboxHandle> {
  try {
    return await assemble(host, request)
  } catch (error) {
    await removeSandbox(host, request.id, request.index, request.published, cgroupOf(host, request))
    throw error
  }
}

async function assemble(host: SandboxHost, request: SandboxRequest): Promise<SandboxHandle> {
  const { id, index, published } = request
  // Whatever the state says, no process of a tenant's is a user of the host's, root least of all.
  if (!isAppRange(request.uidBase)) throw new Error(`${request.uidBase} does not begin an app's range of user ids`)
  const link = linkOf(host.slot, index)
  const scratch = scratchOf(folderOf(host, id))
  const files = processFiles(host, id)
  const cgroup = cgroupOf(host, request)
  const size = sizeOf(request)
  if (request.preparedFolder === null) await mkdir(folderOf(host, id), { recursive: true, mode: 0o711 })
  else await rename(request.preparedFolder, folderOf(host, id))
  await mkdir(files.bundle, { recursive: true, mode: 0o700 })
  await allOf(
    request.preparedFolder === null ? prepareLink(link) : Promise.resolve(),
    prepareFiles(scratch, request),
    prepareCgroup(host, request, cgroup),
  )
  const { app, temporary } = request.files.kind === 'layers' ? scratch : request.files
  const spec = ociSpec({
    hostname: request.hostname,
    argv: request.argv,
    env: request.env,
    cwd: '/app',
    uidBase: request.uidBase,
    size,
    rootPath: request.rootPath,
    networkNamespace: link.namespacePath,
    cgroupPath: cgroup,
    binds: [
      ...host.commonBinds,
      { source: app, target: '/app', readOnly: false },
      { source: temporary, target: '/tmp', readOnly: false },
      ...request.binds,
    ],
    seccomp: seccompProfile(process.arch),
    // On v1 it would be a mount for each controller, at each start.
    cgroupView: cgroupVersion() === 'v2',
    shmMb: Math.min(SHM_MB, size.memoryMb),
    maxOpenFiles: await maxOpenFiles(),
    hugePages: await hugePages(),
    disks: await disksOf([temporary, host.folder]),
    ioMbPerSecond: request.ceilings.ioMbPerSecond,
  })
  await writeFile(join(files.bundle, 'config.json'), JSON.stringify(spec), { mode: 0o600 })
  // The process is made stopped: the link's rules are there before it takes its first step.
  const [pid] = await allOf(createProcess(files, request.streams?.theirs), open(host, link, request))
  request.streams?.handOver()
  const startTime = (await startTimeOf(pid)) ?? ''
  limitOutput(host.slot, request.tenantId, Number(await readFile(files.conmonPidFile, 'utf8')))
  await startProcess(files)
  return { id, index, published, cgroup, pid, startTime, startedAt: Date.now() }
}

async function open(host: SandboxHost, link: Link, request: SandboxRequest): Promise<void> {
  const { tenantId, share, ceilings, published } = request
  await openLink(host.slot, link, { tenantId, egress: share.egress, ceilings, published })
}

/** All, each to its end: what was made is removed only when nobody makes more of it. @throws the first failure */
async function allOf<T extends unknown[]>(...works: { [n in keyof T]: Promise<T[n]> }): Promise<T> {
  await Promise.allSettled(works)
  return Promise.all(works)
}

async function prepareFiles(scratch: Scratch, request: SandboxRequest): Promise<void> {
  const { files, size, uidBase } = request
  if (files.kind !== 'layers') return
  if (request.preparedFolder === null) await prepareScratch(scratch, size.diskMb)
  await openScratch(scratch, uidBase, files.layers)
}

/** A build has limits of its own, and its tenant's apps theirs. */
const isBuild = ({ files }: Pick<SandboxRequest, 'files'>): boolean => files.kind === 'workspace'

/** v1 takes no instance that is allowed more CPU than its tenant; it could not use more anyway. */
const sizeOf = (request: Pick<SandboxRequest, 'size' | 'share' | 'files'>): Resources =>
  isBuild(request) ? request.size : withinShare(request.size, request.share)
const withinShare = (size: Resources, share: TenantShare): Resources => ({
  ...size,
  cpuMilli: Math.min(size.cpuMilli, share.cpuMilli),
})

/** The instance's comes first: while it is there, nobody takes its tenant's for empty and removes it. */
async function prepareCgroup(host: SandboxHost, request: SandboxRequest, cgroup: string): Promise<void> {
  makeInstanceCgroup(cgroup, request.size.cpuMilli)
  if (isBuild(request)) alignCpus(host.slot)
  else await shareTenant(host.slot, request.tenantId, request.share)
}

type Owner = Pick<SandboxRequest, 'tenantId' | 'appId' | 'id'>

/** The cgroup of a sandbox, below its app's and its tenant's; builds are in a tree of their own. */
export const cgroupOf = (host: SandboxHost, request: Owner & Partial<Pick<SandboxRequest, 'files'>>): string =>
  (request.files?.kind === 'workspace' ? buildCgroupPath : cgroupPath)(
    host.slot,
    request.tenantId,
    request.appId,
    request.id,
  )

export const folderOf = (host: SandboxHost, id: string): string => join(host.folder, id)
export const logOf = (host: SandboxHost, id: string): string => join(host.folder, id, 'output.log')

function processFiles(host: SandboxHost, id: string): ProcessFiles {
  const bundle = join(host.runFolder, 'bundles', id)
  return {
    id,
    bundle,
    exits: join(host.runFolder, 'exits'),
    sockets: join(host.runFolder, 'sockets'),
    log: logOf(host, id),
    pidFile: join(bundle, 'pid'),
    conmonPidFile: join(bundle, 'conmon.pid'),
    runtimeRoot: join(host.runFolder, 'runtime'),
    runtime: host.runtime,
  }
}

/**
 * Waits for the end, and brings it about when one of its processes was killed for want of memory.
 * @returns the exit code, or null when the signal ended the wait
 */
export async function waitForSandbox(
  host: SandboxHost,
  handle: SandboxHandle,
  signal: AbortSignal,
): Promise<number | null> {
  const files = processFiles(host, handle.id)
  const over = new AbortController()
  // A watch that fails because the sandbox is being removed is over; what it would have ended is ended.
  void endWhenOutOfMemory(files.bundle, handle.cgroup, AbortSignal.any([signal, over.signal])).catch(() => undefined)
  try {
    return await waitForExit(files, handle.pid, handle.startTime, signal)
  } finally {
    over.abort()
  }
}

export const isSandboxRunning = (handle: SandboxHandle): Promise<boolean> => isRunning(handle.pid, handle.startTime)

/**
 * Changes the limits of a running sandbox. What it may write to disk stays as it was made.
 * @param share its tenant's, which bounds its own CPU
 * @returns refused, with nothing changed, when it uses more memory than the new limit; in bytes, without file cache
 */
export async function adjustSandbox(
  host: SandboxHost,
  handle: SandboxHandle,
  { size, ceilings, share }: Pick<SandboxRequest, 'size' | 'ceilings' | 'share'>,
): Promise<Adjusted> {
  const disks = await disksOf([scratchOf(folderOf(host, handle.id)).folder, host.folder])
  const adjusted = await adjustCgroup(handle.cgroup, { size: withinShare(size, share), ceilings, disks })
  if (adjusted.refused === null) await adjustLink(host.slot, linkOf(host.slot, handle.index), ceilings)
  return adjusted
}

const egressInForce = new Map<string, string>()

/** Holds a tenant to its share of this host, its running sandboxes too. Idempotent, and cheap when nothing changed. */
export async function holdTenant(slot: number, tenant: string, share: TenantShare): Promise<void> {
  await shareTenant(slot, tenant, share)
  const [key, egress] = [`${slot} ${tenant}`, JSON.stringify(share.egress)]
  if (egressInForce.get(key) === egress) return
  await setTenantEgress(slot, tenant, share.egress)
  egressInForce.set(key, egress)
}

/** Stops all of its processes where they are: they keep their memory and take no CPU. */
export const freezeSandbox = (handle: SandboxHandle): Promise<void> => freezeCgroup(handle.cgroup)
export const thawSandbox = (handle: SandboxHandle): Promise<void> => thawCgroup(handle.cgroup)

/** What a sandbox wrote, against what it may write. @returns null when its writable image is gone */
export const diskUse = (host: SandboxHost, id: string): DiskUse | null => diskUseOf(writableOf(host, id))

/** Another command in a sandbox that runs, held to the same; see exec.ts. */
export const execInSandbox = (
  host: SandboxHost,
  { id }: SandboxHandle,
  request: ExecRequest,
  streams: Streams,
): Promise<Executed> => execIn(processFiles(host, id), request, streams)

/** Ends what was left running in a sandbox by an agent that was killed. */
export const endExecsOf = (host: SandboxHost, { id, cgroup }: SandboxHandle): Promise<void> =>
  endLeftExecs(processFiles(host, id), cgroup)

export const namespaceOf = (host: SandboxHost, { index }: SandboxHandle): string =>
  linkOf(host.slot, index).namespacePath

/** SIGTERM, up to `graceMs` for an orderly end, then everything in it is killed. */
export async function stopSandbox(host: SandboxHost, handle: SandboxHandle, graceMs: number): Promise<void> {
  if (graceMs > 0 && (await isSandboxRunning(handle))) {
    // A frozen one hears of it only when it goes on.
    await thawSandbox(handle)
    await terminateProcess(processFiles(host, handle.id))
    await waitForSandbox(host, handle, AbortSignal.timeout(graceMs))
  }
  await killCgroup(handle.cgroup)
}

/**
 * Ends and removes everything of a sandbox, its log too: whoever follows that has read it to its end. Idempotent.
 * @param index of its link; null where nobody knows it any more, and links are swept (see sweepLinks)
 */
export async function removeSandbox(
  host: SandboxHost,
  id: string,
  index: number | null,
  published: PublishedPort | null,
  cgroup: string,
): Promise<void> {
  const files = processFiles(host, id)
  await killCgroup(cgroup)
  await deleteProcess(files)
  if (index !== null) await removeLink(host.slot, linkOf(host.slot, index), published)
  await removeScratch(scratchOf(folderOf(host, id)))
  await removeCgroup(cgroup)
  leaveTenant(host.slot, cgroup)
  await rm(folderOf(host, id), { recursive: true, force: true })
  await rm(files.bundle, { recursive: true, force: true })
  await rm(join(files.exits, id), { force: true })
  await rm(join(files.sockets, id), { recursive: true, force: true })
}

/**
 * @param writable where the image is mounted that it writes to
 * @returns null when the sandbox is gone
 */
export function sampleSandbox(
  host: SandboxHost,
  handle: SandboxHandle,
  writable = writableOf(host, handle.id),
): Sample | null {
  const group = sampleCgroup(handle.cgroup)
  const network = sampleLink(linkOf(host.slot, handle.index))
  return (
    group && {
      ...group,
      diskBytes: usedBytes(writable),
      networkInBytes: network?.inBytes ?? 0,
      networkOutBytes: network?.outBytes ?? 0,
    }
  )
}

const writableOf = (host: SandboxHost, id: string): string => scratchOf(folderOf(host, id)).folder

export const addressOf = (host: SandboxHost, handle: Pick<SandboxHandle, 'index'>): string =>
  linkOf(host.slot, handle.index).address
