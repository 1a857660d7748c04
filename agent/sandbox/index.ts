/**
 * The contract of a sandbox. Everything that runs a tenant's code, of whatever kind, goes through `createSandbox`; what
 * is needed to find it again after a restart of the agent is the `SandboxHandle`, plain data.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TenantShare } from '#core/domain/quota.ts'
import type { Ceilings, Resources } from '#core/domain/resources.ts'
import { cgroupPath, cgroupVersion, killCgroup, removeCgroup, sampleCgroup, type CgroupSample } from './cgroup.ts'
import { createScratch, removeScratch, scratchOf, type Scratch } from './filesystem.ts'
import { createLink, linkOf, removeLink, sampleLink, type PublishedPort } from './network.ts'
import {
  createProcess,
  deleteProcess,
  isRunning,
  startProcess,
  startTimeOf,
  terminateProcess,
  waitForExit,
  type ProcessFiles,
} from './process.ts'
import { seccompProfile } from './seccomp.ts'
import { ociSpec, type BindMount } from './spec.ts'

/** What a host gives to all its sandboxes. */
export type SandboxHost = {
  slot: number
  /** Folder of scratch images and logs. */
  folder: string
  /** tmpfs, 0700: bundles with secrets and exit codes. */
  runFolder: string
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
  hostname: string
  argv: string[]
  env: Record<string, string>
  size: Resources
  ceilings: Ceilings
  /** What its tenant may use on this host; in force before the process starts. */
  share: TenantShare
  files: SandboxFiles
  binds: BindMount[]
  index: number
  published: PublishedPort | null
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

export type Sample = CgroupSample & { networkInBytes: number; networkOutBytes: number }

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
  const link = linkOf(host.slot, index, id)
  const scratch = scratchOf(folderOf(host, id))
  const files = processFiles(host, id)
  const cgroup = cgroupOf(host, request)
  await mkdir(folderOf(host, id), { recursive: true, mode: 0o711 })
  await mkdir(files.bundle, { recursive: true, mode: 0o700 })
  await Promise.all([createLink(host.slot, link, published), prepareFiles(scratch, request)])
  const { app, temporary } = request.files.kind === 'layers' ? scratch : request.files
  const spec = ociSpec({
    hostname: request.hostname,
    argv: request.argv,
    env: request.env,
    cwd: '/app',
    uidBase: request.uidBase,
    size: request.size,
    rootPath: host.rootPath,
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
    shmMb: Math.min(SHM_MB, request.size.memoryMb),
  })
  await writeFile(join(files.bundle, 'config.json'), JSON.stringify(spec), { mode: 0o600 })
  const pid = await createProcess(files)
  const startTime = (await startTimeOf(pid)) ?? ''
  await startProcess(files)
  return { id, index, published, cgroup, pid, startTime, startedAt: Date.now() }
}

async function prepareFiles(scratch: Scratch, { files, size, uidBase }: SandboxRequest): Promise<void> {
  if (files.kind === 'layers') await createScratch(scratch, size.diskMb, uidBase, files.layers)
}

/** The cgroup of a sandbox, below its app's and its tenant's. */
export const cgroupOf = (host: SandboxHost, request: Pick<SandboxRequest, 'tenantId' | 'appId' | 'id'>) =>
  cgroupPath(host.slot, request.tenantId, request.appId, request.id)

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

/** Waits for the end. @returns the exit code, or null when the signal ended the wait */
export const waitForSandbox = (host: SandboxHost, handle: SandboxHandle, signal: AbortSignal): Promise<number | null> =>
  waitForExit(processFiles(host, handle.id), handle.pid, handle.startTime, signal)

export const isSandboxRunning = (handle: SandboxHandle): Promise<boolean> => isRunning(handle.pid, handle.startTime)

/** SIGTERM, up to `graceMs` for an orderly end, then everything in it is killed. */
export async function stopSandbox(host: SandboxHost, handle: SandboxHandle, graceMs: number): Promise<void> {
  if (graceMs > 0 && (await isSandboxRunning(handle))) {
    await terminateProcess(processFiles(host, handle.id))
    await waitForSandbox(host, handle, AbortSignal.timeout(graceMs))
  }
  await killCgroup(handle.cgroup)
}

/** Ends and removes everything of a sandbox, its log too: whoever follows that has read it to its end. Idempotent. */
export async function removeSandbox(
  host: SandboxHost,
  id: string,
  index: number,
  published: PublishedPort | null,
  cgroup: string,
): Promise<void> {
  const files = processFiles(host, id)
  await killCgroup(cgroup)
  await deleteProcess(files)
  await removeLink(host.slot, linkOf(host.slot, index, id), published)
  await removeScratch(scratchOf(folderOf(host, id)))
  await removeCgroup(cgroup)
  await rm(folderOf(host, id), { recursive: true, force: true })
  await rm(files.bundle, { recursive: true, force: true })
  await rm(join(files.exits, id), { force: true })
  await rm(join(files.sockets, id), { recursive: true, force: true })
}

/** @returns null when the sandbox is gone */
export async function sampleSandbox(host: SandboxHost, handle: SandboxHandle): Promise<Sample | null> {
  const [group, network] = await Promise.all([
    sampleCgroup(handle.cgroup),
    sampleLink(linkOf(host.slot, handle.index, handle.id)),
  ])
  return group && { ...group, networkInBytes: network?.inBytes ?? 0, networkOutBytes: network?.outBytes ?? 0 }
}

export const addressOf = (host: SandboxHost, handle: Pick<SandboxHandle, 'id' | 'index'>): string =>
  linkOf(host.slot, handle.index, handle.id).address
