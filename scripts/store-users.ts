/** Prepares the users of the embedded Redis, where systemd starts it (scripts/install/units.ts). */
import { messageOf } from '#core/domain/errors.ts'
import { readConfig } from '#core/runtime/config.ts'
import { prepareStoreUsers } from './up/store-users.ts'

try {
  await prepareStoreUsers(readConfig(process.env).home)
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}
