/** Runs one step of a build: its title, its output as it comes, how long it took, or the sentence why it failed. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { messageOf } from '#core/domain/errors.ts'
import { BuildFailure, exitCodes, type Command, type Output } from './contract.ts'
import { createLines } from './output.ts'

/** @throws BuildFailure naming the command and its exit code */
export async function runStep({ title, shown, argv, env }: Command, folder: string, output: Output): Promise<void> {
  output.title(`${title} (${shown})`)
  const began = performance.now()
  let diskFull = false
  const end = await spawnAndFollow(argv, { folder, env }, (line) => {
    diskFull ||= /ENOSPC|no space left on device/i.test(line)
    output.line(line)
  })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  if (end.exitCode !== 0)
    throw new BuildFailure(exitCodes.failedStep, explainFailure(shown, end, diskFull), { cause: end.error })
  output.line(`done in ${seconds} s`)
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
