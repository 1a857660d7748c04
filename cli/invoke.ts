/** One call of the command line: how what a command throws becomes a sentence and an exit code. */
import { CommanderError } from 'commander'
import { messageOf } from '#core/domain/errors.ts'
import { createContext, type Context, type World } from './context.ts'
import { dispatch } from './dispatch.ts'
import { CliError, exitCodes, ProgramEnded } from './failures.ts'
import { suggestApp } from './suggest.ts'
import { commands } from './tables/index.ts'

/**
 * @param argv without the program's name
 * @returns the exit code; what went wrong has been said
 */
export async function invoke(argv: string[], world: Omit<World, 'commands'>): Promise<number> {
  const context = createContext({ ...world, commands })
  try {
    await dispatch(argv, commands, context)
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
