/** The berth command line as the tests call it: as a process where that matters, else within the test's own process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { runInProcess, type Ran } from './cli-run.ts'

export const BERTH = join(import.meta.dirname, '../../bin/berth')

export type { Ran }
export type Surroundings = { cwd: string; env: NodeJS.ProcessEnv; input?: string | undefined; timeoutMs?: number }

/** What speaks to its own standard streams rather than to those that it is given. */
const NEEDS_A_PROCESS = ['run', 'ps:exec']

/** As runInProcess, but for the commands that need a process. */
export const berth = (argv: string[], surroundings: Surroundings): Promise<Ran> =>
  NEEDS_A_PROCESS.includes(argv[0] ?? '')
    ? runProgram([BERTH, ...argv], surroundings)
    : runInProcess(argv, surroundings)

/** Runs a program to its end. */
export async function runProgram(
  [program, ...args]: [string, ...string[]],
  { cwd, env, input, timeoutMs }: Surroundings,
): Promise<Ran> {
  const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? 1, stdout, stderr }
}
