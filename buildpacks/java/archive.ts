/**
 * The classes that web loads when it starts, as an archive that the JVM maps instead of reading, checking and linking them
 * one by one (application class-data sharing, JEP 350). To make it, the app is started once at the end of its build, without
 * its config vars, so that it reaches nothing that is the app's.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
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
  /** What `java -version` says: an archive is for one build of the JVM. */
  java: string
  env: NodeJS.ProcessEnv
}

/** One `java`, and nothing of a shell's that would start another. */
export const isTrainable = (command: string): boolean => /^java\s/.test(command) && !/[;&|<>()`\n]/.test(command)

/** @returns whether the archive is there now. Without it the app starts as it would have, so nothing here ends the build. */
export async function archiveClasses(build: Build, training: Training): Promise<boolean> {
  const { app, output, cacheFolder } = build
  const began = performance.now()
  await mkdir(join(app.path, '.berth'), { recursive: true })
  const jars = await findJars(app.path)
  // The JVM compares the time of each archive with the one that it saw; that of a slug's files is the platform's to set.
  for (const jar of jars) await utimes(join(app.path, jar), 0, 0).catch(() => undefined)
  const kept = join(cacheFolder, 'java', `${await keyOf(app.path, jars, training)}.jsa`)
  const target = join(app.path, ARCHIVE)
  if (await copied(kept, target)) {
    output.title('Class archive of the build before is used: the same archives and the same Java')
    return true
  }
  output.title('Starting the app once for an archive of its classes (without config vars; BERTH_JAVA_ARCHIVE=off turns it off)')
  const how = await train(app.path, target, training)
  const status = await stat(target).catch(() => null)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  if (!status) {
    output.line(`no archive was made (${how}), the app will start without`)
    return false
  }
  output.line(`${how}; ${(status.size / 1024 / 1024).toFixed(0)} MB that instances share, after ${seconds} s`)
  await keep(target, kept)
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

// ── the same again ───────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_JARS = 2000

/** All of an app's .jar and .war files, sorted; links are not followed. */
async function findJars(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && /\.(?:jar|war)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
    .slice(0, MAX_JARS)
}

async function keyOf(root: string, jars: string[], { command, java }: Training): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(['archive 1', command, java]))
  for (const jar of jars) {
    const content = createHash('sha256')
    await pipeline(createReadStream(join(root, jar)), content)
    hash.update(JSON.stringify([jar, content.digest('hex')]))
  }
  return hash.digest('hex')
}

const copied = (from: string, to: string): Promise<boolean> =>
  copyFile(from, to).then(
    () => true,
    () => false,
  )

/** Only the last one is kept: it is some 15 MB, and an app goes on from where it is. */
async function keep(file: string, kept: string): Promise<void> {
  const folder = join(kept, '..')
  try {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await copyFile(file, `${kept}.new`)
    await rename(`${kept}.new`, kept)
  } catch {
    // A cache that is full costs the next build a start, and nothing else.
  }
}
