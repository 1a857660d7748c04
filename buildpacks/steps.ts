/** Runs one step of a build: its title, its output as it comes, how long it took, or the sentence why it failed. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '#core/domain/errors.ts'
import { BuildFailure, exitCodes, type Command, type Output } from './contract.ts'
import { hintFor, LOOKED_AT_LINES, networkFailureIn } from './hints.ts'
import { createLines } from './output.ts'

/** Before the second and the third try of a step that the network failed. */
const RETRY_AFTER_MS = [2_000, 8_000]

export type Patience = { sleep: (ms: number) => Promise<void>; retryAfterMs: readonly number[] }

const patience: Patience = { sleep: (ms) => sleep(ms), retryAfterMs: RETRY_AFTER_MS }

/**
 * Runs a step; one that fetches is tried again when the network fails it.
 * @throws BuildFailure naming the command and its exit code, after a hint if its output has a known cause
 */
export async function runStep(
  command: Command,
  folder: string,
  output: Output,
  { sleep: pause, retryAfterMs }: Patience = patience,
): Promise<void> {
  output.title(`${command.title} (${command.shown})`)
  const began = performance.now()
  for (let tries = 0; ; tries++) {
    const attempt = await tryStep(command, folder, output)
    if (attempt.end.exitCode === 0) break
    const network = command.fetches ? networkFailureIn(attempt.last) : null
    const waitMs = retryAfterMs[tries]
    if (network === null || waitMs === undefined) throw failureOf(command, attempt, network, output)
    output.line(
      `the network failed (${network}); trying again in ${waitMs / 1000} s (${tries + 2} of ${retryAfterMs.length + 1})`,
    )
    await pause(waitMs)
  }
  output.line(`done in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

type Attempt = { end: End; last: string[]; diskFull: boolean }

async function tryStep({ argv, env }: Command, folder: string, output: Output): Promise<Attempt> {
  const last: string[] = []
  let diskFull = false
  const end = await spawnAndFollow(argv, { folder, env }, (line) => {
    diskFull ||= /ENOSPC|no space left on device/i.test(line)
    last.push(line)
    if (last.length > LOOKED_AT_LINES) last.shift()
    output.line(line)
  })
  return { end, last, diskFull }
}

function failureOf({ shown }: Command, { end, last, diskFull }: Attempt, network: string | null, output: Output) {
  if (network !== null)
    return new BuildFailure(
      exitCodes.networkFailed,
      `${JSON.stringify(shown)} failed because of the network (${network}), however often it was tried. Push again later; nothing of the app needs to change.`,
    )
  const hint = hintFor(last)
  if (hint !== null) output.warning(hint)
  return new BuildFailure(exitCodes.failedStep, explainFailure(shown, end, diskFull), { cause: end.error })
}

/**
 * Runs a program of the platform's that is not worth a title.
 * @throws BuildFailure as runStep does
 */
export async function runQuietly(argv: Command['argv'], folder: string, output: Output): Promise<void> {
  const end = await spawnAndFollow(argv, { folder, env: process.env }, (line) => output.line(line))
  if (end.exitCode !== 0)
    throw new BuildFailure(exitCodes.failedStep, explainFailure(argv.join(' '), end), { cause: end.error })
}

/** How a program ended; exitCode is null when a signal ended it or it could not start. */
export type End = { exitCode: number | null; signal: NodeJS.Signals | null; error?: Error }

export function explainFailure(shown: string, { exitCode, signal, error }: End, diskFull = false): string {
  const what = JSON.stringify(shown)
  if (error) return `${what} could not be started: ${messageOf(error)}.`
  const how = signal ? `was ended by ${signal}` : `failed with exit code ${exitCode}`
  if (diskFull) return `${what} ${how}: it ran out of disk space (ENOSPC), a build can write no more than its limit.`
  // A shell, and npm, report a child that was killed as 128 + the signal's number.
  if (signal === 'SIGKILL' || exitCode === 128 + constants.signals.SIGKILL)
    return `${what} ${how}: it was killed, most often for needing more memory than a build has.`
  if (signal === 'SIGXFSZ' || exitCode === 128 + constants.signals.SIGXFSZ)
    return `${what} ${how}: a file grew larger than a build may write.`
  return `${what} ${how}. Its output is above.`
}

function spawnAndFollow(
  [program, ...args]: Command['argv'],
  { folder, env }: { folder: string; env: NodeJS.ProcessEnv },
  onLine: (line: string) => void,
): Promise<End> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const streams = [follow(child.stdout, onLine), follow(child.stderr, onLine)]
    child.once('error', (error) => resolve({ exitCode: null, signal: null, error }))
    child.once('exit', (exitCode, signal) => {
      void afterOutput(streams).then(() => resolve({ exitCode, signal }))
    })
  })
}

type Followed = { ended: Promise<void>; stop: () => void }

function follow(stream: Readable, onLine: (line: string) => void): Followed {
  const lines = createLines(onLine)
  stream.on('data', (chunk: Buffer) => lines.push(chunk))
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  stream.once('close', () => {
    lines.end()
    resolve()
  })
  stream.once('error', () => resolve())
  return { ended, stop: () => stream.destroy() }
}

const LAST_OUTPUT_MS = 1000

/** A program that was left behind in the background holds the streams open: it must not hold the build. */
async function afterOutput(streams: Followed[]): Promise<void> {
  const timer = setTimeout(() => {
    for (const { stop } of streams) stop()
  }, LAST_OUTPUT_MS)
  await Promise.all(streams.map(({ ended }) => ended))
  clearTimeout(timer)
}
