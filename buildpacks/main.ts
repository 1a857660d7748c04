/**
 * The program that runs inside the build sandbox, on the tenant's side of the fence: `main.ts detect`, then, with the
 * runtimes in place, `main.ts compile`; of a ready slug only `main.ts adopt`. It talks to the pusher on stdout and to the agent by two files and exit codes.
 */
import { createOutput } from './output.ts'
import { runPhase } from './phases.ts'

// What Node made of this program (agent/platform.ts) is nothing for the programs that it runs.
delete process.env['NODE_COMPILE_CACHE']
delete process.env['NODE_COMPILE_CACHE_PORTABLE']

// Writes to a pipe are synchronous on Linux, so nothing is lost at exit and a slow reader slows the build's output down.
const output = createOutput((text) => process.stdout.write(text))
process.exit(await runPhase(process.argv[2] ?? '', process.env, output))
