/** The berth command line, as a process. */
import { invoke } from './invoke.ts'
import { createOutput } from './output.ts'
import { launcher } from './self.ts'

// Whoever reads the output may stop early, as `head` does; that is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.exitCode = await invoke(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  out: createOutput(process.stdout, process.stderr, process.env),
  now: Date.now,
  launcher,
})
