/** Runs small programs whose answer is wanted, not shown: git, and a buildpack's bin/detect and bin/release. */
import { execFile } from 'node:child_process'

export type Answered = { code: number | null; stdout: string; stderr: string }
export type Asked = { folder: string; env: NodeJS.ProcessEnv; timeoutMs: number }

const MAX_ANSWER = 1024 * 1024

/** @returns code null when a signal ended it, it took too long, answered too much, or could not be started */
export function ask(
  [program, ...args]: readonly [string, ...string[]],
  { folder, env, timeoutMs }: Asked,
): Promise<Answered> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_ANSWER } as const
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null
      resolve({ code, stdout, stderr: stderr || (error && code === null ? error.message : '') })
    })
    child.stdin?.end()
  })
}

/** The last thing that a program complained about, in one line. */
export const complaintOf = ({ stderr }: Pick<Answered, 'stderr'>): string =>
  stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-2)
    .join(' ')
    .slice(0, 400)
