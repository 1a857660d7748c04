/** Runs a program to its end. Commands are arrays, never a string for a shell. */
import { execFile } from 'node:child_process'

export type RunOptions = {
  input?: string
  timeoutMs?: number
  env?: NodeJS.ProcessEnv
  cwd?: string
  signal?: AbortSignal
  onStart?: (pid: number) => void
}
export type Ran = { stdout: string; stderr: string }

/** @throws an Error that names the command, its exit code and the last of what it wrote to stderr */
export function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<Ran> {
  const [program, ...args] = argv
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        maxBuffer: 16 * 1024 * 1024,
        timeout: options.timeoutMs ?? 60_000,
        env: options.env ?? process.env,
        cwd: options.cwd,
        signal: options.signal,
        encoding: 'utf8',
      },
      (error, stdout, stderr) => {
        if (!error) return resolve({ stdout, stderr })
        const said = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join(' | ')
        reject(
          new Error(
            `${program} ${args.slice(0, 6).join(' ')} failed (${error.code ?? error.signal ?? 'unknown'}): ${said || error.message}`,
            { cause: error },
          ),
        )
      },
    )
    if (child.pid !== undefined) options.onStart?.(child.pid)
    if (options.input !== undefined) {
      child.stdin?.on('error', () => {})
      child.stdin?.end(options.input)
    }
  })
}
