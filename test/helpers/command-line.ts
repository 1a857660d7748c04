/** The berth command line as the tests call it: as a process where that matters, else within the test's own process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { invoke } from '../../cli/invoke.ts'
import { createOutput } from '../../cli/output.ts'

export const BERTH = join(import.meta.dirname, '../../bin/berth')

export type Ran = { code: number; stdout: string; stderr: string }
export type Surroundings = { cwd: string; env: NodeJS.ProcessEnv; input?: string | undefined }

/** What speaks to its own standard streams rather than to those that it is given. */
const NEEDS_A_PROCESS = ['run', 'ps:exec']

/**
 * The same code as bin/berth's with the same streams, exit code and surroundings, but without a process of its own, which
 * takes a fifth of a second of CPU to start.
 */
export async function berth(argv: string[], surroundings: Surroundings): Promise<Ran> {
  if (NEEDS_A_PROCESS.includes(argv[0] ?? '')) return runProgram([BERTH, ...argv], surroundings)
  const { cwd, env, input = '' } = surroundings
  const [stdout, stderr] = [sink(), sink()]
  const code = await invoke(argv, {
    env,
    cwd,
    stdin: (input === '' ? new PassThrough().end() : Readable.from([input])) as unknown as NodeJS.ReadStream,
    out: createOutput(stdout.stream, stderr.stream, env),
    now: Date.now,
    launcher: BERTH,
  })
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

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

function sink(): { stream: Writable; text: () => string } {
  let said = ''
  const stream = new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      said += chunk.toString()
      done()
    },
  })
  return { stream, text: () => said }
}
