/**
 * Starts and ends the process of a sandbox by conmon and the OCI runtime. conmon stays beside the process, keeps its
 * output and its exit code, and lets the agent restart without touching it.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { RunStreams, Window } from '#core/domain/run.ts'
import { run } from '#core/runtime/process.ts'

export type ProcessFiles = {
  id: string
  /** config.json lies here; on tmpfs, since it holds secrets. */
  bundle: string
  /** conmon's folder of exit codes, one file per sandbox. */
  exits: string
  /** conmon's folder of sockets, one per sandbox; not that of the exit codes, which have the same names. */
  sockets: string
  log: string
  pidFile: string
  conmonPidFile: string
  /** The OCI runtime's state folder. */
  runtimeRoot: string
  runtime: string
}

const LOG_BYTES_MAX = 16 * 1024 * 1024

/** @param handed how many descriptors, from 3 on, the process gets besides its standard ones */
export function conmonCommand(files: ProcessFiles, handed = 0): [string, ...string[]] {
  return [
    'conmon',
    '--api-version',
    '1',
    '--cid',
    files.id,
    '--cuuid',
    files.id,
    '--name',
    files.id,
    '--runtime',
    files.runtime,
    '--runtime-arg',
    '--root',
    '--runtime-arg',
    files.runtimeRoot,
    '--bundle',
    files.bundle,
    '--container-pidfile',
    files.pidFile,
    '--conmon-pidfile',
    files.conmonPidFile,
    '--exit-dir',
    files.exits,
    '--socket-dir-path',
    files.sockets,
    '--persist-dir',
    files.bundle,
    '--stdin',
    '--log-path',
    `k8s-file:${files.log}`,
    '--log-size-max',
    String(LOG_BYTES_MAX),
    '--no-sync-log',
    ...(handed === 0 ? [] : ['--runtime-opt', '--preserve-fds', '--runtime-opt', String(handed)]),
  ]
}

/**
 * A tenant's command as the sandbox's arguments: an init that reaps and hands signals to all of the command's processes,
 * and a shell inside the sandbox. Standard input is conmon's pipe (see createProcess), so it is opened anew. A command
 * without shell operators replaces the shell, which then takes no memory beside the app; with operators, the shell waits
 * for what it runs to end in good order before it ends on SIGTERM itself.
 */
export function commandLine(command: string, streams: RunStreams = 'log', window = usualWindow): string[] {
  const script = isOneCommand(command) ? `exec ${command}` : `trap 'exit 143' TERM; ${command}`
  const init = ['/usr/bin/tini', '-g', '--']
  switch (streams) {
    case 'log':
      return [...init, '/bin/sh', '-c', `exec </dev/null; ${withProfile}`, 'sh', script]
    case 'pipes':
      return [...init, '/bin/sh', '-c', `exec 0<&3 1>&4 2>&5 3<&- 4>&- 5>&-; ${withProfile}`, 'sh', script]
    case 'terminal': {
      const size = [String(window.rows), String(window.columns)]
      const shell = ['/bin/sh', '-c', withProfile, 'sh', script]
      return [...init, '/usr/bin/python3', '-I', '-S', '-c', terminalProgram, ...size, ...shell]
    }
  }
}

/**
 * What an app left in .profile.d and in .profile is sourced before each of its commands, as Heroku does it: by bash, in
 * which the command then runs. Where there is neither, two built-in tests are all that it costs. `$1` is the command; it is
 * out of the way before anything of the tenant's runs.
 */
const sourceProfile =
  '_berth_command=$1; shift; for _berth_profile in /app/.profile.d/*.sh /app/.profile; do ' +
  '[ -f "$_berth_profile" ] && [ -r "$_berth_profile" ] && . "$_berth_profile"; done; ' +
  'eval "unset _berth_command _berth_profile; $_berth_command"'
const withProfile =
  'if [ -d /app/.profile.d ] || [ -f /app/.profile ]; then ' +
  `exec /bin/bash --noprofile --norc -c '${sourceProfile}' bash "$1"; fi; eval "shift; $1"`

const usualWindow: Window = { rows: 24, columns: 80 }
const terminalProgram = readFileSync(join(import.meta.dirname, 'terminal.py'), 'utf8')

/** No operator, no redirection, no assignment in front, outside of quotes. When in doubt: no. */
function isOneCommand(command: string): boolean {
  const unquoted = command.replace(/\\.|'[^']*'|"(?:\\.|[^"\\])*"/g, 'q')
  return (
    !/[;&|<>(){}`'"!#\n]/.test(unquoted) &&
    !/^\s*[A-Za-z_][A-Za-z0-9_]*=/.test(unquoted) &&
    !/^\s*(cd|command|eval|exec|exit|export|read|set|trap|type|ulimit|umask|unset|wait|\.|if|for|while|case|until)\b/.test(
      unquoted,
    )
  )
}

/**
 * Creates the sandbox's process, stopped before its first instruction, and returns its pid on the host.
 * Its standard input is a pipe (--stdin): given /dev/null, crun 1.8 makes the app's user the owner of the host's /dev/null,
 * and an app that then takes its permissions away breaks every other program of the host.
 * @param handed descriptors that it gets as 3, 4, …
 */
export async function createProcess(files: ProcessFiles, handed: number[] = []): Promise<number> {
  const [program, ...args] = conmonCommand(files, handed.length)
  const syncPipe = 3 + handed.length
  // conmon says on this pipe what became of it: {"data": PID} or {"data": -1, "message": why}.
  const conmon = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', ...handed, 'pipe'],
    detached: true,
    env: {
      PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      _OCI_SYNCPIPE: String(syncPipe),
      XDG_RUNTIME_DIR: files.exits,
    },
    cwd: files.bundle,
  })
  const failed = new Promise<never>((_, reject) => conmon.once('error', reject))
  let complaint = ''
  conmon.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-500)))
  const pipe = conmon.stdio[syncPipe] as Readable
  const said = await Promise.race([firstLine(pipe), failed])
  conmon.stderr?.destroy()
  pipe.destroy()
  conmon.unref()
  const { data, message } =
    said === ''
      ? { data: -1, message: complaint.trim() || 'conmon ended without a word' }
      : (JSON.parse(said) as { data: number; message?: string })
  if (data <= 0)
    throw new Error(`The OCI runtime could not make sandbox ${files.id}: ${message ?? `exit code ${data}`}`)
  return data
}

async function firstLine(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) {
    text += String(chunk)
    if (text.includes('\n')) break
  }
  return text.split('\n')[0] ?? ''
}

const runtimeCommand = (files: ProcessFiles, ...args: string[]): [string, ...string[]] => [
  files.runtime,
  '--root',
  files.runtimeRoot,
  ...args,
]

export const startProcess = (files: ProcessFiles) => run(runtimeCommand(files, 'start', files.id))

/** SIGTERM goes to the sandbox's init, which hands it on; a sandbox that ended meanwhile is fine. */
export async function terminateProcess(files: ProcessFiles): Promise<void> {
  await run(runtimeCommand(files, 'kill', files.id, 'TERM')).catch(() => undefined)
}

/** Kills what is left and removes the runtime's state. Idempotent. */
export async function deleteProcess(files: ProcessFiles): Promise<void> {
  await run(runtimeCommand(files, 'delete', '--force', files.id)).catch(() => undefined)
}

/** TCP ports that something listens on in a process's network namespace. */
export async function listeningPorts(pid: number): Promise<number[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')),
  )
  return [...new Set(tables.flatMap(parseListening))].sort((a, b) => a - b)
}

const LISTEN = '0A'

/** Reads /proc/net/tcp: the second column is `address:port` in hex, the fourth the state. */
export function parseListening(table: string): number[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === LISTEN)
    .map((columns) => parseInt(columns[1]?.split(':').at(-1) ?? '', 16))
    .filter((port) => Number.isInteger(port))
}
