/** Asks a program something whose answer is for the buildpack, not for the pusher. */
import { execFile } from 'node:child_process'
import { BuildFailure, exitCodes, type Command } from './contract.ts'

const MAX_ANSWER_BYTES = 16 * 1024 * 1024
const WITHIN_MS = 120_000

export type Question = Pick<Command, 'argv' | 'env'> & { folder: string }

/**
 * @returns what the program printed on its standard output
 * @throws BuildFailure with the last lines that it complained with
 */
export function ask({ argv: [program, ...args], env, folder }: Question): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { cwd: folder, env, maxBuffer: MAX_ANSWER_BYTES, timeout: WITHIN_MS },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout)
        const complaint = stderr.trim().split('\n').slice(-5).join(' | ').slice(-500)
        const asked = JSON.stringify([program, ...args].join(' ').slice(0, 200))
        reject(
          new BuildFailure(exitCodes.failedStep, `${asked} failed: ${complaint || error.message}`, { cause: error }),
        )
      },
    )
  })
}
