/** The berth command line as the tests call it: as a process where that matters, else within the test's own process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { runInProcess, type Ran } from './cli-run.ts'

export const BERTH = join(import.meta.dirname, '../../bin/berth')

export type { Ran }
export type Surroundings = { cwd: string; env: NodeJS.ProcessEnv; input?: string | undefined }

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
  { cwd, env, input }: Surroundings,
): Promise<Ran> {
  const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? 1, stdout, stderr }
}
