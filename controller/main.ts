/** The controller's executable. */
import { messageOf } from '#core/domain/errors.ts'
import { readConfig } from '#core/runtime/config.ts'
import { createLog } from '#core/runtime/log.ts'
import { runMain } from '#core/runtime/shutdown.ts'
import { start } from './index.ts'

try {
  const config = readConfig(process.env)
  const log = createLog('controller', config.logLevel)
  await runMain(log, () => start(config, log))
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}
