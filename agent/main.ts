/** `node agent/main.ts` runs this machine as a host; `--teardown` ends everything that it runs, `--doctor` looks whether it is fit. */
import type { Diagnosis } from '#core/contract/doctor.ts'
import { messageOf } from '#core/domain/errors.ts'
import { readConfig, type Config } from '#core/runtime/config.ts'
import { createLog } from '#core/runtime/log.ts'
import { runMain } from '#core/runtime/shutdown.ts'
import { diagnose } from './doctor/checks.ts'
import { readFacts } from './doctor/read.ts'
import { start } from './index.ts'
import { teardown } from './teardown.ts'

let config: Config
try {
  config = readConfig(process.env)
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}

const log = createLog('agent', config.logLevel)
if (process.argv.includes('--teardown')) {
  await teardown(config, log)
  process.exit(0)
}
if (process.argv.includes('--doctor')) {
  const answer: Diagnosis = { host: config.hostId, findings: diagnose(await readFacts(config, Date.now())) }
  process.stdout.write(JSON.stringify(answer) + '\n')
  process.exit(0)
}
await runMain(log, () => start(config, log))
