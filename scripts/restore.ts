/** `berth restore`: puts a backup, which comes on standard input, in the place of an empty data folder. Nothing of Berth may run. */
import { connect } from 'node:net'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { readConfig } from '#core/runtime/config.ts'
import { createLog } from '#core/runtime/log.ts'
import { restore } from '../controller/backup/restore.ts'
import { checkFolder } from './up/checks.ts'
import { takeLock } from './up/lock.ts'

/** The result goes to standard output, everything else beside it. */
const say = (line: string) => void process.stderr.write(`${line}\n`)

try {
  const config = readConfig(process.env)
  await checkFolder('BERTH_HOME', config.home)
  const lock = await takeLock(join(config.home, 'run'))
  try {
    await requireStopped(config)
    const force = process.argv.includes('--force')
    const context = { config, log: createLog('restore', 'silent'), now: () => Date.now(), say }
    const restored = await restore(process.stdin as AsyncIterable<Uint8Array>, force, context)
    process.stdout.write(`${JSON.stringify(restored)}\n`)
  } finally {
    await lock.release()
  }
} catch (error) {
  say(messageOf(error))
  process.exitCode = 1
}
// What is left of standard input is nobody's.
process.stdin.destroy()

/** Parts that run under systemd hold no lock of `up`'s. @throws when one of them answers */
async function requireStopped({ home, apiAddress, apiPort }: ReturnType<typeof readConfig>): Promise<void> {
  const api = apiAddress === '0.0.0.0' || apiAddress === '::' ? '127.0.0.1' : apiAddress
  const doors = [
    { what: `its Redis (${home}/redis/redis.sock)`, to: { path: join(home, 'redis', 'redis.sock') } },
    { what: `something at its API's address (${api}:${apiPort})`, to: { host: api, port: apiPort } },
  ]
  for (const { what, to } of doors)
    if (await answers(to))
      throw new Error(`The Berth of ${home} is not stopped: ${what} answers. Stop it, and restore again.`)
}

function answers(to: { path: string } | { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(to)
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
