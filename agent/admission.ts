/**
 * What the controller tells an agent before it begins: under which user it speaks to Redis, and with which key the controller signs
 * jobs. Neither comes from Redis. Both are kept in a file, for an agent that starts while the controller is away.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { admission, type Admission } from '#core/contract/internal.ts'
import { parse } from '#core/contract/schema.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { readPublicKey } from '#core/runtime/signing.ts'
import { asUser, redisOptions } from '#core/store/connection.ts'
import type { ControllerClient } from './controller-client.ts'
import { foldersOf } from './host.ts'
import type { JobsKey } from './orders.ts'

type Settings = Pick<Config, 'home' | 'hostId' | 'redisUrl'>
type Context = { config: Settings; controller: Pick<ControllerClient, 'storeLogin' | 'jobsKey'>; log: Log }

/** How long it waits for a controller that it has an answer of already. */
const WITH_ANSWER_MS = 3_000
const RENEW_EVERY_MS = 30_000

/** @throws UNAVAILABLE when the controller cannot be asked and never answered */
export async function beAdmitted(context: Context): Promise<{ redisUrl: string; key: JobsKey }> {
  const { config, log } = context
  const before = await readAdmission(config)
  let answer: Admission
  try {
    answer = await ask(context, before ? AbortSignal.timeout(WITH_ANSWER_MS) : new AbortController().signal)
    await keep(config, answer)
  } catch (error) {
    if (before === null) throw error
    log.warn('the controller is away; going on with what it said before', { cause: messageOf(error) })
    answer = before
  }
  return { redisUrl: urlOf(config, answer), key: keyOf(context, answer) }
}

/** The URL of Redis for who speaks to it beside the agent, or after it. */
export async function knownRedisUrl(config: Settings): Promise<string> {
  const answer = await readAdmission(config)
  return answer ? urlOf(config, answer) : config.redisUrl
}

async function ask({ config, controller }: Context, signal: AbortSignal): Promise<Admission> {
  const login = hasUser(config) ? null : await controller.storeLogin(signal)
  return { login, jobsKey: await controller.jobsKey(signal) }
}

/** An operator who names a user in BERTH_REDIS_URL has made it. */
const hasUser = ({ redisUrl }: Settings): boolean => {
  const { username, password } = redisOptions(redisUrl)
  return username !== undefined || password !== undefined
}

const urlOf = (config: Settings, { login }: Admission): string =>
  login === null || hasUser(config) ? config.redisUrl : asUser(config.redisUrl, login)

function keyOf({ config, controller, log }: Context, answer: Admission): JobsKey {
  let [pem, key] = [answer.jobsKey, readPublicKey(answer.jobsKey)]
  let askedAt = -RENEW_EVERY_MS
  return {
    current: () => key,
    async renew() {
      if (performance.now() - askedAt < RENEW_EVERY_MS) return
      askedAt = performance.now()
      try {
        const found = await controller.jobsKey(AbortSignal.timeout(WITH_ANSWER_MS))
        if (found === pem) return
        ;[pem, key] = [found, readPublicKey(found)]
        await keep(config, { ...answer, jobsKey: found })
        log.info('the controller signs with another key')
      } catch (error) {
        log.debug('the key of the controller cannot be asked for', { error })
      }
    },
  }
}

const fileOf = ({ home }: Settings): string => join(foldersOf(home).agent, 'admission.json')

async function readAdmission(config: Settings): Promise<Admission | null> {
  const text = await readFile(fileOf(config), 'utf8').catch(() => null)
  return text === null ? null : parse(admission, JSON.parse(text), 'admission.json')
}

/** Root's alone: it holds a password. */
async function keep(config: Settings, answer: Admission): Promise<void> {
  const file = fileOf(config)
  await mkdir(foldersOf(config.home).agent, { recursive: true, mode: 0o711 })
  await writeFile(`${file}.new`, JSON.stringify(answer), { mode: 0o600 })
  await rename(`${file}.new`, file)
}
