/**
 * The classes that web loads when it starts, as an archive that the JVM maps instead of reading, checking and linking them
 * one by one (application class-data sharing, JEP 350). To make it, the app is started once at the end of its build, without
 * its config vars, so that it reaches nothing that is the app's.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, open, readdir, rm, stat, utimes } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Build } from '../contract.ts'
import { PROFILE } from './options.ts'

/** Where it is in the app. */
export const ARCHIVE = '.berth/java.jsa'

const STARTS_WITHIN_MS = 30_000
const ENDS_WITHIN_MS = 45_000
const LOOK_MS = 50

export type Training = {
  /** What web runs. */
  command: string
  env: NodeJS.ProcessEnv
}

/** One `java`, and nothing of a shell's that would start another. */
export const isTrainable = (command: string): boolean => /^java\s/.test(command) && !/[;&|<>()`\n]/.test(command)

/** @returns whether the archive is there now. Without it the app starts as it would have, so nothing here ends the build. */
export async function archiveClasses({ app, env, output }: Build, training: Training): Promise<boolean> {
  const time = await commitTime(env['BERTH_SOURCE'] ?? '/source.tar')
  if (time === null) return false
  const began = performance.now()
  const target = join(app.path, ARCHIVE)
  await mkdir(join(target, '..'), { recursive: true })
  await giveTime(app.path, time)
  output.title(
    'Starting the app once, without its config vars, for an archive of its classes (BERTH_JAVA_ARCHIVE=off: not)',
  )
  const how = await train(app.path, target, training)
  const status = await stat(target).catch(() => null)
  if (!status) {
    output.line(`${how}, and left no archive: the app will start without one`)
    return false
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  output.line(`${how}; ${(status.size / 1024 / 1024).toFixed(0)} MB that its instances share, after ${seconds} s`)
  return true
}

// ── one start ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @returns how far it came, for the pusher */
async function train(folder: string, target: string, { command, env }: Training): Promise<string> {
  const port = await freePort()
  const script = [
    `. ./${PROFILE}`,
    `export JAVA_TOOL_OPTIONS="$JAVA_TOOL_OPTIONS -XX:ArchiveClassesAtExit=${target} -Xlog:cds*=off"`,
    `exec ${command}`,
  ].join('\n')
  const child = spawn('/bin/sh', ['-c', script], {
    cwd: folder,
    // Its own group: whatever it starts ends with it.
    detached: true,
    stdio: 'ignore',
    env: { ...trainingEnvironment(env), PORT: String(port) },
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const over = exited.then(() => 'ended' as const)
  const seen = await Promise.race([over, untilAnswered(port)])
  signalGroup(child, 'SIGTERM')
  const ended = await Promise.race([over, wait(ENDS_WITHIN_MS, 'late' as const, { ref: false })])
  signalGroup(child, 'SIGKILL')
  await exited
  if (ended === 'late') await rm(target, { force: true })
  return ended === 'late' ? 'it did not end when it was told to' : ways[seen]
}

const ways = {
  answered: 'it answered',
  silent: 'it did not answer in time, what it had loaded by then is taken',
  ended: 'it ended by itself, what it had loaded by then is taken',
} as const

/** Nothing that says who the app is or where its data are. */
function trainingEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'LANG', 'JAVA_HOME', 'STACK']
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}

async function untilAnswered(port: number): Promise<'answered' | 'silent'> {
  for (const until = Date.now() + STARTS_WITHIN_MS; Date.now() < until; await wait(LOOK_MS)) {
    const answered = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5000), redirect: 'manual' })
      .then((answer) => answer.body?.cancel())
      .then(
        () => true,
        () => false,
      )
    if (answered) return 'answered'
  }
  return 'silent'
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

// ── times ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_JARS = 2000

/**
 * The JVM takes an archive only while the .jar files have the times that they had when it was made; in a slug they have the
 * commit's. Links are not followed.
 */
async function giveTime(root: string, time: number): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const jars = entries.filter((entry) => entry.isFile() && /\.[jw]ar$/.test(entry.name)).slice(0, MAX_JARS)
  for (const { parentPath, name } of jars) await utimes(join(parentPath, name), time, time)
}

const BLOCK_BYTES = 512

/** In seconds since 1970, from the header that git puts first in an archive (pax, IEEE Std 1003.1); null: it has none. */
async function commitTime(archive: string): Promise<number | null> {
  const file = await open(archive, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, 0)
    const time = /^[0-7]{11}/.exec(buffer.toString('latin1', 136, 148))?.[0]
    return bytesRead < BLOCK_BYTES || buffer.toString('latin1', 156, 157) !== 'g' || time === undefined
      ? null
      : Number.parseInt(time, 8)
  } finally {
    await file.close()
  }
}
