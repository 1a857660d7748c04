/** How a command ends: what it throws becomes a sentence on stderr and an exit code. */
import { CommanderError } from 'commander'
import { messageOf } from '#core/domain/errors.ts'
import type { Context } from './context.ts'
import { dispatch } from './dispatch.ts'
import { CliError, exitCodes, ProgramEnded } from './failures.ts'
import { suggestApp } from './suggest.ts'

/** @param argv the words behind `berth` @returns the exit code; all that is to be said was said */
export async function runToItsEnd(argv: string[], context: Context): Promise<number> {
  try {
    await dispatch(argv, context.commands, context)
    return exitCodes.ok
  } catch (error) {
    return report(error, context)
  }
}

async function report(error: unknown, context: Context): Promise<number> {
  // Commander has printed its own sentence; help that was asked for is not an error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof ProgramEnded) return error.code
  context.out.error(messageOf(error) + (await suggestApp(error, context)))
  return error instanceof CliError ? error.exitCode : exitCodes.failed
}
