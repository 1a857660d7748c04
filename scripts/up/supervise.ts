/** Runs a part, starts it again when it ends unasked, and stops it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import type { Part } from './parts.ts'

export type RunningPart = { name: Part['name']; ready: Promise<void>; stop(): Promise<void> }
type Context = { logs: string; pids: string; say: (line: string) => void }

const READY_WITHIN_MS = 120_000
const MIN_DELAY_MS = 200
const MAX_DELAY_MS = 5_000
const STABLE_MS = 30_000
const LOG_BYTES_MAX = 10 * 1024 * 1024

/** Starts a part. Its first start must succeed (`ready` rejects); after that it is kept running. */
export function startPart(part: Part, context: Context): RunningPart {
  const stopping = new AbortController()
  let child = launch(part, context)
  const ready = untilReady(part, child, context)
  const kept = ready.then(keep, () => undefined)

  async function keep(): Promise<void> {
    let delayMs = MIN_DELAY_MS
    while (!stopping.signal.aborted) {
      const began = Date.now()
      if (isAlive(child)) await once(child, 'exit')
      if (stopping.signal.aborted) return
      if (Date.now() - began > STABLE_MS) delayMs = MIN_DELAY_MS
      context.say(
        `The ${part.name} ended (${child.signalCode ?? `exit code ${child.exitCode}`}); starting it again. Its log: ${logOf(part, context)}`,
      )
      await sleep(delayMs, stopping.signal)
      delayMs = Math.min(MAX_DELAY_MS, delayMs * 2)
      if (stopping.signal.aborted) return
      child = launch(part, context)
    }
  }

  return {
    name: part.name,
    ready,
    async stop() {
      stopping.abort()
      await end(child, part.stopMs)
      await kept
      rmSync(join(context.pids, `${part.name}.pid`), { force: true })
    },
  }
}

const isAlive = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null && child.pid !== undefined

/** In a process group of its own: a Ctrl-C at the terminal is for the supervisor, which knows the order. */
function launch(part: Part, context: Context): ChildProcess {
  if (part.folder) mkdirSync(part.folder, { recursive: true, mode: 0o700 })
  const log = openLog(logOf(part, context))
  const [program, ...args] = part.argv
  // What is written into a folder that is the process's alone is nobody else's either.
  const mask = part.folder ? process.umask(0o077) : process.umask()
  const child = spawn(program, args, {
    stdio: ['ignore', log, log, part.ready.kind === 'message' ? 'ipc' : 'ignore'],
    detached: true,
    env: { ...environment(), ...part.env },
  })
  process.umask(mask)
  closeSync(log)
  // The end of a program that could not be run at all is told by `untilReady`.
  child.on('error', () => {})
  if (child.pid !== undefined) writeFileSync(join(context.pids, `${part.name}.pid`), String(child.pid))
  return child
}

/** Root's PATH without a login often lacks the folders of nft, mkfs and others. */
export function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin`,
  }
}

const logOf = (part: Part, { logs }: Context): string => join(logs, `${part.name}.log`)

function openLog(file: string): number {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o640)
}

async function untilReady(part: Part, child: ChildProcess, context: Context): Promise<void> {
  const over = new AbortController()
  const deadline = sleep(READY_WITHIN_MS, over.signal).then(() => 'late' as const)
  const ended = once(child, 'exit').then(
    () => 'ended' as const,
    () => 'ended' as const,
  )
  const ready =
    part.ready.kind === 'message'
      ? once(child, 'message').then(() => 'ready' as const)
      : untilAnswers(part.ready.path, over.signal)
  const outcome = await Promise.race([ready, ended, deadline])
  over.abort()
  if (outcome === 'ready') return
  const said = await lastLines(logOf(part, context))
  throw new Error(
    outcome === 'late'
      ? `The ${part.name} was not ready within ${READY_WITHIN_MS / 1000} s. ${said}`
      : `The ${part.name} did not start. ${said}`,
  )
}

async function untilAnswers(path: string, signal: AbortSignal): Promise<'ready'> {
  while (!signal.aborted) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(path, () => resolve(true))
      socket.on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (open) return 'ready'
    await sleep(25, signal)
  }
  return new Promise(() => {})
}

const SHOWN_LINES = 3

/** The last plain sentences of a log (parts print those for people), else its last lines. */
async function lastLines(file: string): Promise<string> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).trim().split('\n')
  const plain = lines.filter((line) => line !== '' && !line.startsWith('{')).slice(-1)
  return (plain.length > 0 ? plain : lines.slice(-SHOWN_LINES)).join(' | ').slice(0, 600)
}

async function end(child: ChildProcess, stopMs: number): Promise<void> {
  if (!isAlive(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const over = new AbortController()
  const late = sleep(stopMs, over.signal).then(() => child.kill('SIGKILL'))
  await exited
  over.abort()
  await late
}

/** Runs a command to its end, with its output in a log. */
export async function runToEnd(
  argv: [string, ...string[]],
  options: { log: string; timeoutMs: number; env?: Record<string, string> },
): Promise<void> {
  const log = openLog(options.log)
  const [program, ...args] = argv
  const child = spawn(program, args, {
    stdio: ['ignore', log, log],
    detached: true,
    env: { ...environment(), ...options.env },
    timeout: options.timeoutMs,
    killSignal: 'SIGKILL',
  })
  closeSync(log)
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`Clearing the host did not end well (exit code ${code}). See ${options.log}.`)
}
