/** The berth command line: how the commands of the table are run, and how what they throw becomes an exit code. */
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { messageOf } from '#core/domain/errors.ts'
import { createContext } from './context.ts'
import { CliError, exitCodes, ProgramEnded } from './failures.ts'
import { createOutput, type Output } from './output.ts'
import { buildProgram, joinTopic } from './program.ts'
import { commands } from './tables/index.ts'

async function main(argv: string[]): Promise<number> {
  // Whoever reads the output may stop early, as `head` does; that is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const out = createOutput(process.stdout, process.stderr, process.env)
  const context = createContext({
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    out,
    now: Date.now,
    launcher: join(import.meta.dirname, '..', 'bin', 'berth'),
  })
  const program = buildProgram(commands, context)
  if (argv.length === 0) {
    program.outputHelp()
    return exitCodes.ok
  }
  if (argv.length === 1 && argv[0] === '--version') return main(['version'])
  try {
    await program.parseAsync(joinTopic(argv, commands), { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    return report(error, out)
  }
}

function report(error: unknown, out: Output): number {
  // Commander has printed its own sentence; help that was asked for is not an error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof ProgramEnded) return error.code
  out.error(messageOf(error))
  return error instanceof CliError ? error.exitCode : exitCodes.failed
}

process.exitCode = await main(process.argv.slice(2))
