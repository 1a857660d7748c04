/** Starts git in its sandbox, in a process group of its own, so that all of it ends when it must. */
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import type { Duplex, Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Repository } from './repositories.ts'

export type RunningGit = {
  stdin: Writable
  stdout: Readable
  stderr: Readable
  /** The other end of git's file descriptor 3, which its hooks inherit; null unless it was asked for. */
  socket: Duplex | null
  /** Resolves with the exit code when all of it has ended; null: it was killed or did not start. Never rejects. */
  ended: Promise<number | null>
  /** Kills all of it. What it was writing is swept by the repository's owner. */
  kill: () => void
}

/** @param env besides the repository's own */
export function startGit(
  repository: Repository,
  args: readonly string[],
  { env = {}, withSocket = false }: { env?: Record<string, string>; withSocket?: boolean } = {},
): RunningGit {
  const [command, ...rest] = repository.commandLine(['git', ...args])
  const child = spawn(command, rest, {
    cwd: '/',
    env: { ...repository.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe', withSocket ? 'pipe' : 'ignore'],
    // So that all of it can be ended at once.
    detached: true,
  }) as ChildProcessByStdio<Writable, Readable, Readable>
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => resolve(code))
    child.on('error', () => resolve(null))
  })
  const socket = withSocket ? (child.stdio[3] as unknown as Duplex) : null
  // The other side may end at any moment; what matters is that it ended.
  for (const stream of [child.stdin, socket]) stream?.on('error', () => {})
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, socket, ended, kill: () => killGroup(child) }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

const SHORT_MS = 60_000

/**
 * Runs a git command to its end, within a minute.
 * @param input its standard input
 * @returns what it wrote, without the last line end
 * @throws an Error with what git said
 */
export async function runGit(
  repository: Repository,
  args: readonly string[],
  {
    env = {},
    input = '',
    timeoutMs = SHORT_MS,
  }: { env?: Record<string, string>; input?: string; timeoutMs?: number } = {},
): Promise<string> {
  const git = startGit(repository, args, { env })
  const timer = setTimeout(git.kill, timeoutMs)
  git.stdin.end(input)
  try {
    const [output, complaint, code] = await Promise.all([text(git.stdout), text(git.stderr), git.ended])
    if (code === 0) return output.replace(/\n$/, '')
    throw new Error(`git ${args.join(' ').slice(0, 200)} (${code ?? 'killed'}): ${complaint.trim().slice(-1000)}`)
  } finally {
    clearTimeout(timer)
  }
}
