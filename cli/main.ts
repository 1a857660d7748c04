/** The berth command line as a process: what it is given by its surroundings, and the exit code that it leaves. */
import { createContext } from './context.ts'
import { runToItsEnd } from './ending.ts'
import { createOutput } from './output.ts'
import { launcher } from './self.ts'
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
  return runToItsEnd(argv, context)
}

process.exitCode = await main(process.argv.slice(2))
