/** `npm run up`: starts Redis, controller, agent and router, keeps them running, and ends all of them in good order. */
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { readConfig, type Config } from '#core/runtime/config.ts'
import { checkFolder, checkPorts } from './up/checks.ts'
import { endLeftovers } from './up/leftovers.ts'
import { takeLock } from './up/lock.ts'
import { loginLink } from './up/login-link.ts'
import { compiled, partsOf, teardownCommand } from './up/parts.ts'
import { prepareStoreUsers, type Environment } from './up/store-users.ts'
import { runToEnd, startPart, type RunningPart } from './up/supervise.ts'

const say = (line: string) => void process.stdout.write(`${line}\n`)

// Whoever read what is said may have gone, as the reader of a pipe does: that is no reason to leave the parts to themselves.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await up(readConfig(process.env))
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exit(1)
}

async function up(config: Config): Promise<void> {
  const interrupted = untilSignal()
  await checkFolder('BERTH_HOME', config.home)
  await chmod(config.home, 0o711)
  await checkFolder('BERTH_CACHE', config.cache)
  const lock = await takeLock(join(config.home, 'run'))
  const running: RunningPart[] = []
  let failure: Error | null = null
  try {
    await endLeftovers(join(config.home, 'run'), say)
    await checkPorts(config)
    const logs = join(config.home, 'logs')
    await mkdir(logs, { recursive: true, mode: 0o711 })
    const logins: Partial<Record<string, Environment>> = config.redisEmbedded
      ? await prepareStoreUsers(config.home)
      : {}
    for (const part of partsOf(config)) {
      const env = { ...part.env, ...logins[part.name] }
      const started = startPart({ ...part, env }, { logs, pids: join(config.home, 'run'), say })
      running.push(started)
      const outcome = await Promise.race([started.ready, interrupted.then(() => 'interrupted' as const)])
      if (outcome === 'interrupted') break
    }
    if (!interrupted.isOver()) greet(config, logs, await loginLink(config))
    await interrupted
  } catch (error) {
    failure = error as Error
  }
  say(
    failure
      ? 'Stopping what was started …'
      : 'Stopping: apps end in good order and come back with the next `npm run up` …',
  )
  await stopAll(config, running)
  await lock.release()
  if (failure) throw failure
  say('Stopped.')
  process.exit(0)
}

/** Router first, so that requests in flight end; then who decides; then what runs; the store last. */
async function stopAll(config: Config, running: RunningPart[]): Promise<void> {
  const [redis, ...parts] = [...running].sort((a, b) => Number(b.name === 'redis') - Number(a.name === 'redis'))
  const others = redis?.name === 'redis' ? parts : running
  for (const name of ['router', 'controller', 'agent']) await others.find((part) => part.name === name)?.stop()
  if (others.length > 0)
    await runToEnd(teardownCommand(), {
      log: join(config.home, 'logs', 'agent.log'),
      timeoutMs: 30_000,
      env: compiled(config),
    }).catch((error: unknown) => say(messageOf(error)))
  if (redis?.name === 'redis') await redis.stop()
}

function greet(config: Config, logs: string, link: string | null): void {
  const api = `http://${config.apiAddress === '0.0.0.0' ? '127.0.0.1' : config.apiAddress}:${config.apiPort}`
  const port = config.httpPort === 80 ? '' : `:${config.httpPort}`
  const logIn = `export BERTH_API_URL=${api} BERTH_TOKEN=$(cat ${config.home}/operator-token)`
  say(`Berth is ready: console and API at ${api}/, apps at http://APP.${config.domain}${port}/; to log in: ${logIn}`)
  say(
    `Apps by HTTPS: https://APP.${config.domain}${config.httpsPort === 443 ? '' : `:${config.httpsPort}`}/ (${trustOf(config)})`,
  )
  if (link !== null) say(`Console, signed in (once, within ten minutes): ${link}`)
  say(`Then: bin/berth create hello. Logs are in ${logs}/. Ctrl-C stops everything.`)
}

/** Elsewhere than on a developer's machine no certificate is made by itself. */
function trustOf({ domain }: Config): string {
  const isLocal = domain === 'localhost' || domain.endsWith('.localhost')
  return isLocal ? 'self-signed, so browsers warn' : 'once there is a certificate: docs/certificates.md'
}

type Interrupt = Promise<void> & { isOver(): boolean }

function untilSignal(): Interrupt {
  let over = false
  const promise = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (over) say('Already stopping …')
        over = true
        resolve()
      })
    }
  })
  return Object.assign(promise, { isOver: () => over })
}
