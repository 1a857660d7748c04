/** The berth command line: how the commands of the table are run, and how what they throw becomes an exit code. */
import { CommanderError } from 'commander'
import { messageOf } from '#core/domain/errors.ts'
import { createContext, type Context } from './context.ts'
import { dispatch } from './dispatch.ts'
import { CliError, exitCodes, ProgramEnded } from './failures.ts'
import { createOutput } from './output.ts'
import { launcher } from './self.ts'
import { suggestApp } from './suggest.ts'
import { commands } from './tables/index.ts'

async function main(argv: string[]): Promise<number> {
  // Whoever reads the output may stop early, as `head` does; that is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const context = createContext({
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    out: createOutput(process.stdout, process.stderr, process.env),
    now: Date.now,
    launcher,
    commands,
  })
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

process.exitCode = await main(process.argv.slice(2))
