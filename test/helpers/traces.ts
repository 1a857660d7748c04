/** What sandboxes could leave behind on a host, and starting and ending many of them to see whether they do. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UID_RANGE } from '#core/domain/app.ts'
import { run } from '#core/runtime/process.ts'
import { stopSandbox, waitForSandbox } from '../../agent/sandbox/index.ts'
import { uidBaseOf, type StartOptions, type TestHost } from './sandboxes.ts'

/** Each kind of thing, and those of this host's Berth that are there. */
export type Traces = Record<string, string[]>

/** An app of its own, so that its users' processes can be told from others. */
const APP = 'a-coming-and-going'

export async function traces({ host }: TestHost): Promise<Traces> {
  const lines = async (...argv: [string, ...string[]]) => (await run(argv)).stdout.split('\n')
  const ours = (text: string) => text.includes(`${host.folder}/`) || text.includes(`${host.runFolder}/`)
  return {
    mounts: (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter(ours),
    'loop devices': (await lines('losetup', '-n', '-O', 'BACK-FILE', '-a')).filter(ours),
    'network namespaces': (await readdir('/run/netns')).filter((name) => name.startsWith(`berth-${host.slot}-`)),
    links: (await lines('ip', '-o', 'link')).flatMap((line) => line.match(new RegExp(`bv${host.slot}-\\d+`)) ?? []),
    rules: (await lines('nft', 'list', 'table', 'inet', `berth_${host.slot}`)).flatMap(
      (line) => line.match(new RegExp(`bv${host.slot}-\\d+"|100\\.${64 + host.slot}\\.\\d+\\.[1-9]\\d*\\b`, 'g')) ?? [],
    ),
    cgroups: await cgroupsOf(host.slot),
    processes: await processesOf(uidBaseOf(APP), ours),
    files: [...(await filesBelow(host.folder)), ...(await filesBelow(host.runFolder))],
    'open files': (await readdir('/proc/self/fd')).map(() => 'one'),
  }
}

/** A tenant's and an app's groups stay while their Berth does; an instance's must not. */
async function cgroupsOf(slot: number): Promise<string[]> {
  const roots = ['', ...(await readdir('/sys/fs/cgroup'))]
    .map((name) => join('/sys/fs/cgroup', name, `berth-${slot}`))
    .filter((path) => existsSync(path))
  const found = roots.map((path) => run(['find', path, '-mindepth', '3', '-type', 'd']))
  return (await Promise.all(found)).flatMap(({ stdout }) => stdout.split('\n').filter((line) => line !== ''))
}

async function processesOf(uidBase: number, ours: (text: string) => boolean): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
    const [status, commandLine] = [await read('status'), (await read('cmdline')).replaceAll('\0', ' ')]
    const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])
    const isTenants = uid >= uidBase && uid < uidBase + UID_RANGE
    // What this test itself runs (find, ip) is a child of it and is over by the time of the next look.
    if (isTenants || (commandLine.startsWith('conmon') && ours(commandLine))) found.push(`${pid} ${commandLine}`)
  }
  return found
}

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true }).catch(() => [])).map((name) => join(folder, name))

/** How one sandbox ends, in turn: by itself, well; by itself, badly; stopped; killed in the middle of its work. */
const ends: { command: string; graceMs: number | null }[] = [
  { command: 'echo hello; touch /tmp/file /app/file', graceMs: null },
  { command: 'exec sh -c "kill -9 $$"', graceMs: null },
  { command: 'exec sleep 100', graceMs: 5000 },
  { command: '(setsid sleep 100 &); while :; do echo busy > /app/file; done', graceMs: 0 },
]

/** Starts and ends sandboxes, some at a time. */
export async function comeAndGo(
  world: TestHost,
  count: number,
  atATime: number,
  options: StartOptions = {},
  onEnd: (done: number) => void = () => {},
): Promise<void> {
  let next = 0
  let done = 0
  async function worker(): Promise<void> {
    while (next < count) {
      const { command, graceMs } = ends[next++ % ends.length] as (typeof ends)[number]
      const sandbox = await world.start(command, { ...options, app: APP, size: { diskMb: 32 } })
      try {
        if (graceMs === null) await waitForSandbox(world.host, sandbox, AbortSignal.timeout(30_000))
        else await stopSandbox(world.host, sandbox, graceMs)
      } finally {
        await world.remove(sandbox)
      }
      onEnd(++done)
    }
  }
  await Promise.all(Array.from({ length: atATime }, worker))
}

/** What there is more of than before, by kind; nothing where nothing is. */
export function grown(before: Traces, after: Traces): Record<string, string[]> {
  const left = Object.entries(after).map(([kind, things]) => {
    const known = new Set(before[kind])
    const more =
      kind === 'open files' ? things.slice(before[kind]?.length ?? 0) : things.filter((thing) => !known.has(thing))
    return [kind, more] as const
  })
  return Object.fromEntries(left.filter(([, more]) => more.length > 0))
}
