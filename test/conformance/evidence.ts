/** Runs the probes inside sandboxes that one OCI runtime makes, once, and gathers what they and the host say for the checks. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { APP_UID, UID_RANGE } from '#core/domain/app.ts'
import { run } from '#core/runtime/process.ts'
import { addressOf, type SandboxHandle } from '../../agent/sandbox/index.ts'
import { unmount } from '../../agent/sandbox/mounts.ts'
import { startTestHost, uidBaseOf, type TestHost } from '#test/helpers/sandboxes.ts'
import { waitFor } from '#test/helpers/world.ts'

const PROBES = join(import.meta.dirname, '../fixtures/probes')
const HOST_FOLDERS = [
  '/etc/shadow',
  '/etc/ssh',
  '/root/.ssh',
  '/run/berth',
  '/run/docker.sock',
  '/run/systemd',
  '/work',
]
/** Apps of these tests alone, so that their users' processes are too. */
const PROBED = 'a-conformance-probed'
const NEIGHBOUR = 'a-conformance-neighbour'
export const CANARY = 'canary-of-a-neighbour'

export type Facts = Map<string, string>
export type Evidence = {
  runtime: string
  /** What the probes say, in a sandbox of one app. */
  probe: Facts
  /** What its neighbour says, of another app. */
  neighbour: Facts
  /** Of a second instance of one app. */
  sibling: Facts
  /** What started for `/proc/self/exe` and for a script of that name said. */
  selfExe: string
  /** The neighbour's answer over HTTP after all the probes, when the host had mounted something below its /tmp. */
  neighbourAfterwards: string
  host: {
    before: HostState
    after: HostState
    arguments: string
    namespaces: Facts
    devices: string | null
    usrDevice: string
  }
  /** mode and file system of the neighbour's bundle, and of the files in it. */
  bundle: { mode: number; fileSystem: string }
  /** Processes of the tenants' users when all sandboxes were removed. */
  left: string[]
}

/** What no tenant may change. */
export type HostState = {
  hostname: string
  files: Record<string, string>
  devices: Record<string, string>
  settings: Map<string, string>
}

/** @param runtime name of the OCI runtime */
export async function gather(runtime: string): Promise<Evidence> {
  const world = await startTestHost({ runtime })
  const folder = await mkdtemp(join(tmpdir(), 'berth-probes-'))
  try {
    await chmod(folder, 0o755)
    const layer = await prepareLayer(folder, world)
    return { runtime, ...(await observe(world, layer)) }
  } finally {
    await world.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** A slug that no build would make: setuid programs of the sandbox's root, devices, links in the place of the platform's. */
async function prepareLayer(folder: string, { host }: TestHost): Promise<string> {
  const layer = join(folder, 'layer')
  await cp(PROBES, layer, { recursive: true })
  const probe = join(layer, 'syscalls')
  await run(['gcc', '-O1', '-static', '-Wall', '-Werror', '-o', probe, join(PROBES, 'syscalls.c')])
  const sandboxRoot = uidBaseOf(PROBED)
  for (const [name, mode] of [
    ['setuid', 0o4755],
    ['setgid', 0o2755],
    ['capable', 0o755],
  ] as const) {
    await copyFile(probe, join(layer, name))
    await chown(join(layer, name), sandboxRoot, sandboxRoot)
    await chmod(join(layer, name), mode)
  }
  await run([probe, 'give-capabilities', join(layer, 'capable'), String(sandboxRoot)])
  await mkdir(join(layer, 'devices'))
  for (const [name, ...device] of [
    ['disk', 'b', '8', '0'],
    ['mem', 'c', '1', '1'],
    ['kmsg', 'c', '1', '11'],
    ['null', 'c', '1', '3'],
    ['kvm', 'c', '10', '232'],
    ['fuse', 'c', '10', '229'],
    ['tun', 'c', '10', '200'],
    ['loop0', 'b', '7', '0'],
  ] as const)
    await run(['mknod', '-m', '666', join(layer, 'devices', name), ...device])
  await writeFile(join(folder, 'canary'), 'of the host')
  await mkdir(join(layer, 'links'))
  for (const [name, target] of [
    ['dev', '/dev'],
    ['host', join(folder, 'canary')],
    ['shadow', '/etc/shadow'],
    ['up', '../../../../../../../../etc/shadow'],
    ['agent', host.runFolder],
  ] as const)
    await symlink(target, join(layer, 'links', name))
  for (const name of ['dev', 'proc', 'etc', 'tmp']) await symlink('/proc/1/root/etc', join(layer, name))
  await writeFile(join(layer, 'shipped.txt'), 'as shipped\n')
  await chown(join(layer, 'shipped.txt'), sandboxRoot + APP_UID, sandboxRoot + APP_UID)
  await writeFile(join(layer, 'script'), '#!/proc/self/exe\n', { mode: 0o755 })
  const paths = [...HOST_FOLDERS, host.folder, host.runFolder, host.rootPath, folder, layer]
  await writeFile(join(layer, 'paths'), paths.join('\n'))
  return layer
}

async function observe(world: TestHost, layer: string): Promise<Omit<Evidence, 'runtime'>> {
  const before = await hostState(world, layer)
  const layers = [layer]
  const neighbour = await world.start('exec python3 neighbour.py', { app: NEIGHBOUR, layers, env: { SECRET: CANARY } })
  await waitFor(async () => (await world.output(neighbour)).includes('neighbour=ready'), {
    timeoutMs: 20_000,
    what: 'the neighbour',
  })
  const probing = await world.start(
    'exec 2>&1; ./syscalls; python3 files.py paths; python3 -c "import neighbour; neighbour.identity()"; ' +
      './setuid who setuid; ./setgid who setgid; ./capable who capable; echo probes=done; sleep 60',
    { app: PROBED, layers },
  )
  const output = () => world.output(probing)
  await waitFor(async () => (await output()).includes('probes=done'), {
    timeoutMs: 60_000,
    what: 'the probes',
    detail: () => '',
  })
  const sibling = await world.run('python3 -c "import neighbour; neighbour.identity()"', { app: PROBED, layers })
  const devices = await deviceRules(probing)
  const selfExe = await runSelf(world, layers)
  const later = join(world.host.folder, neighbour.id, 'scratch', 'tmp', 'later')
  await mkdir(later)
  await run(['mount', '-t', 'tmpfs', 'tmpfs', later])
  try {
    await writeFile(join(later, 'mounted-by-the-host-later'), '')
    const asked = await fetch(`http://${addressOf(world.host, neighbour)}:5000/`, { signal: AbortSignal.timeout(5000) })
    const neighbourAfterwards = await asked.text()
    const config = join(world.host.runFolder, 'bundles', neighbour.id, 'config.json')
    const evidence = {
      probe: parse(await output()),
      neighbour: parse(await world.output(neighbour)),
      sibling: parse(sibling.output),
      selfExe,
      neighbourAfterwards,
      bundle: {
        mode: (await stat(config)).mode & 0o777,
        fileSystem: (await run(['stat', '-f', '-c', '%T', config])).stdout.trim(),
      },
      arguments: (await run(['ps', '-eo', 'args'])).stdout,
      namespaces: parse(
        (
          await run([
            'sh',
            '-c',
            'for n in user pid mnt net ipc uts cgroup; do echo "ns.$n=$(readlink /proc/self/ns/$n)"; done',
          ])
        ).stdout,
      ),
    }
    await unmount(later)
    for (const sandbox of [neighbour, probing]) await world.remove(sandbox)
    const { arguments: args, namespaces, ...rest } = evidence
    return {
      ...rest,
      host: {
        before,
        after: await hostState(world, layer),
        arguments: args,
        namespaces,
        devices,
        usrDevice: String((await stat('/usr/bin/env')).dev),
      },
      left: await processesOf([PROBED, NEIGHBOUR].map(uidBaseOf)),
    }
  } finally {
    await unmount(later)
  }
}

/** The runtime's own program as the tenant's command, by the link that led to the host's file in CVE-2019-5736. */
async function runSelf(world: TestHost, layers: string[]): Promise<string> {
  const said: string[] = []
  for (const argv of [['/proc/self/exe', '--version'], ['/app/script']]) {
    const { output } = await world
      .run('', { app: PROBED, argv, layers })
      .catch((error: unknown) => ({ output: String(error) }))
    said.push(output)
  }
  return said.join('\n')
}

export const parse = (text: string): Facts =>
  new Map(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

/** cgroup v1 lists a group's device rules; v2 has them in a program that nobody can read: null. */
async function deviceRules({ cgroup }: SandboxHandle): Promise<string | null> {
  const file = join('/sys/fs/cgroup/devices', cgroup, 'devices.list')
  return existsSync(file) ? readFile(file, 'utf8') : null
}

async function hostState({ host }: TestHost, layer: string): Promise<HostState> {
  const conmon = (await run(['which', 'conmon'])).stdout.trim()
  const programs = [host.runtime, conmon, '/usr/bin/env', join(layer, 'shipped.txt'), await stackFile(host.rootPath)]
  const files = await Promise.all(programs.map(async (file) => [file, await digest(file)] as const))
  const devices = await Promise.all(
    ['/dev/null', '/dev/zero', '/dev/tty', '/dev/urandom'].map(async (path) => {
      const { mode, uid, gid, rdev } = await stat(path)
      return [path, `${mode} ${uid} ${gid} ${rdev}`] as const
    }),
  )
  return {
    hostname: hostname(),
    files: Object.fromEntries(files),
    devices: Object.fromEntries(devices),
    settings: await stableSettings(),
  }
}

/** The file that the stack image's loop device reads. */
async function stackFile(rootPath: string): Promise<string> {
  const device = (await run(['findmnt', '-n', '-o', 'SOURCE', rootPath])).stdout.trim()
  return (await run(['losetup', '-n', '-O', 'BACK-FILE', device])).stdout.trim()
}

const digest = async (file: string) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex')

/** The kernel's settings, without those that change by themselves. */
async function stableSettings(): Promise<Map<string, string>> {
  const read = async () => {
    // Some of them refuse to be read, so its exit code says nothing.
    const args = ['-r', '', '/proc/sys/kernel', '/proc/sys/vm', '/proc/sys/fs', '/proc/sys/user']
    const { stdout } = await promisify(execFile)('grep', args, { maxBuffer: 8 * 1024 * 1024 }).catch(
      (error: { stdout: string }) => error,
    )
    return new Map(
      stdout.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const),
    )
  }
  const [one, two] = [await read(), await read()]
  const byThemselves = /\/(random|pty|quota|ns_last_pid|.*-nr|.*-state|.*_nr|epoll|inotify)/
  return new Map([...one].filter(([name, value]) => two.get(name) === value && !byThemselves.test(name)))
}

/** Processes whose user belongs to one of these ranges. */
async function processesOf(bases: number[]): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])
    if (bases.some((base) => uid >= base && uid < base + UID_RANGE)) found.push(status.split('\n')[0] ?? pid)
  }
  return found
}
