/** The processes of `berth local`: each in a group of its own, so that with it ends all that it began. */
import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

export type LocalProcess = {
  type: string
  /** What its end was; a process that could not be started has ended with 127. */
  ended: Promise<End>
  /** To all of its group that is still there. */
  signal(name: NodeJS.Signals): void
  /** Ends what is left of its group: SIGTERM, and SIGKILL after `graceMs`. */
  end(graceMs: number): Promise<void>
}

/** The exit code, as a shell would have it: 128 and the signal's number for what a signal ended. */
export type End = { type: string; code: number }

const LOOK_EVERY_MS = 50
/** A line that does not end is shown in pieces. */
const MAX_LINE = 64 * 1024

/** @param onLine a line of its output, without its end */
export function startProcess(
  { type, command, cwd, env }: { type: string; command: string; cwd: string; env: NodeJS.ProcessEnv },
  onLine: (line: string) => void,
): LocalProcess {
  const child = spawn('/bin/sh', ['-c', command], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) splitLines(stream, onLine)
  const signal = (name: NodeJS.Signals) => void signalGroup(child, name)
  return {
    type,
    ended: new Promise((resolve) => {
      child.once('error', (error) => {
        onLine(error.message)
        resolve({ type, code: 127 })
      })
      child.once('exit', (code, name) => resolve({ type, code: exitCodeOf(code, name) }))
    }),
    signal,
    async end(graceMs) {
      signal('SIGTERM')
      for (let waited = 0; waited < graceMs && signalGroup(child, 0); waited += LOOK_EVERY_MS)
        await sleep(LOOK_EVERY_MS)
      if (signalGroup(child, 0)) signal('SIGKILL')
      while (signalGroup(child, 0)) await sleep(LOOK_EVERY_MS)
    },
  }
}

const signals: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}

export const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : (signals[signal] ?? 0))

/** @returns whether anything of the group is there */
function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(-pid, name)
  } catch {
    return false
  }
}

function splitLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split(/\r?\n/)
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE) {
      lines.push(rest)
      rest = ''
    }
    for (const line of lines) onLine(line)
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
  })
}
