/**
 * A second command inside a sandbox that runs, beside its first: by the OCI runtime, with the very process description that
 * the sandbox was made from but for the arguments. So it has the same user, namespaces, cgroup, limits, system call filter
 * and no more privileges (S01), and the sandbox's limits hold for both together.
 *
 * Tried: runc 1.1.5 cannot do it (`error executing setns process`): it enters the user namespace first, from where it may not
 * enter a network namespace that the host owns. crun 1.8.1 can.
 */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import type { RunStreams, Window } from '#core/domain/run.ts'
import { commandLine, type ProcessFiles } from './process.ts'
import type { Streams } from './streams.ts'

export type ExecRequest = {
  /** Names its files; one of the platform's ids. */
  id: string
  command: string
  streams: Exclude<RunStreams, 'log'>
  window: Window | null
  /** Above what the sandbox's first process was given. */
  env: Record<string, string>
}

export type Executed = {
  /** The exit code; 128 + n after signal n. */
  exited: Promise<number>
  /** SIGTERM, and a while later SIGKILL for it and all that it started. */
  end(): Promise<void>
}

type ProcessSpec = { args: string[]; env: string[]; [rest: string]: unknown }

const GRACE_MS = 5_000
const LOOK_EVERY_MS = 100

/** @throws when the runtime cannot start it: the sandbox has ended meanwhile, or has no process to spare */
export async function execIn(files: ProcessFiles, request: ExecRequest, streams: Streams): Promise<Executed> {
  const path = (kind: string) => join(files.bundle, `exec-${request.id}.${kind}`)
  const spec = JSON.parse(await readFile(join(files.bundle, 'config.json'), 'utf8')) as { process: ProcessSpec }
  await writeFile(path('json'), JSON.stringify(withCommand(spec.process, request)), { mode: 0o600 })
  const [first = 0, second = 0, third = second] = streams.theirs
  const child = spawn(
    files.runtime,
    [
      ...['--root', files.runtimeRoot, '--log', path('log'), 'exec', '--process', path('json')],
      ...['--pid-file', path('pid'), '--preserve-fds', String(streams.theirs.length), files.id],
    ],
    // The runtime makes the app's user their owner: they are this process's own pipes, not the host's /dev/null.
    { stdio: [first, second, request.streams === 'pipes' ? third : second, ...streams.theirs], cwd: files.bundle },
  )
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 255))
  })
  exited.catch(() => undefined)
  streams.handOver()
  const pid = await begun(path('pid'), exited)
  if (pid === null) {
    const why = await readFile(path('log'), 'utf8').catch(() => '')
    await tidy(path)
    throw new Error(why.trim().split('\n').at(-1)?.slice(0, 300) || 'the OCI runtime did not say why')
  }
  await rm(path('json'), { force: true })
  return {
    exited: exited.finally(() => tidy(path)),
    end: () => endTree(pid, exited),
  }
}

const tidy = async (path: (kind: string) => string): Promise<void> => {
  for (const kind of ['json', 'log', 'pid']) await rm(path(kind), { force: true })
}

/** The init is not the sandbox's first process here, so it asks for the orphans of its own command (prctl(2), subreaper). */
function withCommand(process: ProcessSpec, { command, streams, window, env }: ExecRequest): ProcessSpec {
  const [init = '', ...rest] = commandLine(command, streams, window ?? undefined)
  const named = new Set(Object.keys(env))
  const kept = process.env.filter((pair) => !named.has(pair.split('=')[0] ?? ''))
  const given = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  return { ...process, args: [init, '-s', ...rest], env: [...kept, ...given] }
}

/** @returns its pid on the host; null when the runtime ended without having started it */
async function begun(pidFile: string, exited: Promise<number>): Promise<number | null> {
  const over = new AbortController()
  const ended = exited.then(
    () => over.abort(),
    () => over.abort(),
  )
  for (;;) {
    const pid = Number(readText(pidFile))
    if (pid > 0) return pid
    if (over.signal.aborted) return null
    await Promise.race([ended, sleep(LOOK_EVERY_MS / 10, over.signal)])
  }
}

/** As long as the runtime waits for it, its pid is nobody else's. */
async function endTree(pid: number, exited: Promise<number>): Promise<void> {
  const over = new AbortController()
  const ended = exited.then(
    () => over.abort(),
    () => over.abort(),
  )
  kill(pid, 'SIGTERM')
  await sleep(GRACE_MS, over.signal)
  // Its init takes the orphans, so while that lives nothing that it started is out of reach.
  while (!over.signal.aborted) {
    const below = descendantsOf(pid)
    for (const one of below) kill(one, 'SIGKILL')
    if (below.length === 0) kill(pid, 'SIGKILL')
    await sleep(LOOK_EVERY_MS, over.signal)
  }
  await ended
}

/** Ends what an agent that was killed left behind in a sandbox. */
export async function endLeftExecs(files: ProcessFiles, cgroup: string): Promise<void> {
  for (const name of readdirSync(files.bundle).filter((one) => /^exec-.*\.pid$/.test(one))) {
    const pid = Number(readText(join(files.bundle, name)))
    // The number may be another process's by now: only one of this sandbox's is ended.
    const isOurs = pid > 0 && (readText(`/proc/${pid}/cgroup`) ?? '').includes(cgroup)
    if (isOurs) for (const one of [...descendantsOf(pid), pid]) kill(one, 'SIGKILL')
    await rm(join(files.bundle, name), { force: true })
  }
}

function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    // After the name in brackets, which may hold anything: state, parent.
    const parent = Number((readText(`/proc/${name}/stat`) ?? '').split(') ').at(-1)?.split(' ')[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const below = (of: number): number[] => (children.get(of) ?? []).flatMap((child) => [child, ...below(child)])
  return below(pid)
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
