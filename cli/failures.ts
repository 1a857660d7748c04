/** Every way in which a command can fail: the sentence for the person, and the exit code for the script. */
import type { Problem } from '#core/contract/api.ts'

/** Documented in `berth --help`; scripts rely on them. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notLoggedIn: 3, unreachable: 4 } as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export class CliError extends Error {
  readonly exitCode: ExitCode
  /** The API's own, when it is its refusal. */
  readonly code: string | null
  constructor(exitCode: ExitCode, message: string, options: { cause?: unknown; code?: string } = {}) {
    super(message, options)
    this.name = 'CliError'
    this.exitCode = exitCode
    this.code = options.code ?? null
  }
}

/** A command that ran elsewhere has ended: its exit code becomes this one's, and there is nothing to add. */
export class ProgramEnded extends Error {
  readonly code: number
  constructor(code: number) {
    super(`ended with exit code ${code}`)
    this.name = 'ProgramEnded'
    this.code = code
  }
}

/** The platform understood the call and said no. */
export const refused = (problem: Problem) =>
  new CliError(
    problem.status === 401 ? exitCodes.notLoggedIn : exitCodes.failed,
    `${problem.detail} (${problem.code}, request ${problem.requestId})`,
    { code: problem.code, cause: problem },
  )

export const failed = (message: string) => new CliError(exitCodes.failed, message)

export const usage = (message: string) => new CliError(exitCodes.usage, message)

export const notLoggedIn = () =>
  new CliError(exitCodes.notLoggedIn, 'You are not logged in. Run `berth login`, or set BERTH_TOKEN.')

export const credentialsDamaged = (file: string) =>
  new CliError(exitCodes.notLoggedIn, `${file} is damaged. Run \`berth login\` to write it anew.`)

/** A saved token is for the Berth that issued it, and is never shown to another one. */
export const savedForAnother = (saved: string, wanted: string) =>
  new CliError(
    exitCodes.notLoggedIn,
    `You are logged in to ${saved}, but BERTH_API_URL is ${wanted}. Run \`berth login --api-url ${wanted}\`, or set BERTH_TOKEN.`,
  )

export const unreachable = (apiUrl: string, why: string, cause?: unknown) =>
  new CliError(
    exitCodes.unreachable,
    `The API at ${apiUrl} cannot be reached: ${why}. Check that it runs, and that BERTH_API_URL or your login names it.`,
    { cause },
  )

export const notBerth = (apiUrl: string, what: string) =>
  new CliError(
    exitCodes.unreachable,
    `What answers at ${apiUrl} does not look like Berth's API: ${what}. Check BERTH_API_URL or your login.`,
  )
