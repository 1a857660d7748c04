/** `node agent/main.ts` runs this machine as a host; `--teardown` ends everything that it runs, `--doctor` looks whether it is fit. */
import type { Diagnosis } from '#core/contract/doctor.ts'
import { messageOf } from '#core/domain/errors.ts'
import { readConfig, type Config } from '#core/runtime/config.ts'
import { createLog } from '#core/runtime/log.ts'
import { runMain } from '#core/runtime/shutdown.ts'

let config: Config
try {
  config = readConfig(process.env)
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}

const log = createLog('agent', config.logLevel)
// What each of them alone needs takes a third of a second of CPU to load.
if (process.argv.includes('--teardown')) {
  const { teardown } = await import('./teardown.ts')
  await teardown(config, log)
  process.exit(0)
}
if (process.argv.includes('--doctor')) {
  const [{ diagnose }, { readFacts }] = await Promise.all([import('./doctor/checks.ts'), import('./doctor/read.ts')])
  const answer: Diagnosis = { host: config.hostId, findings: diagnose(await readFacts(config, Date.now())) }
  process.stdout.write(JSON.stringify(answer) + '\n')
  process.exit(0)
}
const { start } = await import('./index.ts')
await runMain(log, () => start(config, log))
