/** Builds the stack image, unless it is there; the last step of the set-up. */
import { messageOf } from '#core/domain/errors.ts'
import { readConfig } from '#core/runtime/config.ts'
import { silentLog } from '#core/runtime/log.ts'
import { ensureStack } from '../agent/stack.ts'
import { checkFolder } from './up/checks.ts'

try {
  const config = readConfig(process.env)
  await checkFolder('BERTH_CACHE', config.cache)
  await ensureStack({
    cacheDir: config.cache,
    mirrors: { main: config.debianMirror, security: config.debianSecurityMirror },
    onProgress: (line) => console.log(`==> Stack image: ${line}`),
    log: silentLog,
  })
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}
