/**
 * Prepares the users of the embedded Redis, where systemd starts it (scripts/install/units.ts); or, with a folder and a URL, those
 * of one that an operator runs (docs/redis.md).
 */
import { messageOf } from '#core/domain/errors.ts'
import { readConfig } from '#core/runtime/config.ts'
import { redisOptions } from '#core/store/connection.ts'
import { prepareStoreUsers, writeStoreUsers } from './up/store-users.ts'

const USAGE = `Give a folder, and the URL of your Redis without a user, like:
  node scripts/store-users.ts ./redis-users rediss://redis.internal:6379`

try {
  const [folder, url, ...rest] = process.argv.slice(2)
  if (folder === undefined) await prepareStoreUsers(readConfig(process.env).home)
  else if (url === undefined || rest.length > 0 || !isPlain(url)) throw new Error(USAGE)
  else {
    await writeStoreUsers(folder, url)
    process.stdout.write(`Written to ${folder}: users.acl for Redis, controller.env and router.env for those.\n`)
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}

function isPlain(url: string): boolean {
  if (!/^(rediss?|unix):\/\//.test(url)) return false
  const { username, password } = redisOptions(url)
  return username === undefined && password === undefined
}
