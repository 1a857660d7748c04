/** The embedded Redis as `npm run up` starts it: with users of its own, in a temporary data folder. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'
import { readConfig } from '#core/runtime/config.ts'
import { partsOf } from '../../scripts/up/parts.ts'
import { prepareStoreUsers } from '../../scripts/up/store-users.ts'

export type OwnRedis = {
  home: string
  /** Without a user. */
  url: string
  controllerUrl: string
  routerUrl: string
  /** As after a restart: what it kept in its files is there. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function startOwnRedis(): Promise<OwnRedis> {
  const home = await mkdtemp(join(tmpdir(), 'berth-own-redis-'))
  const config = readConfig({ BERTH_HOME: home })
  const socket = join(home, 'redis', 'redis.sock')
  const launch = async () => {
    const { controller, router } = await prepareStoreUsers(home)
    const [program = '', ...args] = partsOf(config)[0]?.argv ?? []
    const mask = process.umask(0o077)
    const child = spawn(program, args, { stdio: 'ignore' })
    process.umask(mask)
    const killWithUs = () => child.kill('SIGKILL')
    process.once('exit', killWithUs)
    while (!(await opens(socket))) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with exit code ${child.exitCode}`)
      await sleep(20)
    }
    const end = async () => {
      process.off('exit', killWithUs)
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    return { end, controllerUrl: controller['BERTH_REDIS_URL'] ?? '', routerUrl: router['BERTH_REDIS_URL'] ?? '' }
  }
  let running = await launch()
  return {
    home,
    url: `unix://${socket}`,
    controllerUrl: running.controllerUrl,
    routerUrl: running.routerUrl,
    async restart() {
      await running.end()
      running = await launch()
    },
    async stop() {
      await running.end()
      await rm(home, { recursive: true, force: true })
    },
  }
}

function opens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
