/** How this machine becomes a host: with the join token that an operator made, or on the controller's own machine by itself. */
import { X509Certificate } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { Agent } from 'node:https'
import { join as joinPath } from 'node:path'
import { Readable } from 'node:stream'
import {
  authorityAnswer,
  authorityPath,
  certificateAnswer,
  joinPath as pathOfJoin,
  JOIN_TOKEN,
} from '#core/contract/enrolment.ts'
import { unavailable } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'
import { ownApiUrl, type Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { ask, connectionsBy } from './ask.ts'
import type { Credentials } from './file.ts'
import { makeKeys } from './keys.ts'

type JoinContext = {
  config: Pick<Config, 'home' | 'hostId' | 'controllerUrl' | 'joinToken' | 'apiAddress' | 'apiPort'>
  log: Log
}

const RETRY_MS = 1_000
const PATIENCE_MS = 60_000

/**
 * Waits a while for a controller that is not there yet.
 * @throws with a sentence that says what to do
 */
export async function joinController(context: JoinContext, signal: AbortSignal): Promise<Credentials> {
  for (let waited = 0; ; waited += RETRY_MS) {
    try {
      return await tryToJoin(context, signal)
    } catch (error) {
      if (!(error instanceof Away) || waited >= PATIENCE_MS || signal.aborted) throw error
      await sleep(RETRY_MS, signal)
    }
  }
}

/** Nobody answers: worth another try. */
class Away extends Error {}

async function tryToJoin({ config, log }: JoinContext, signal: AbortSignal): Promise<Credentials> {
  const file = joinPath(config.home, 'join-token')
  const token = config.joinToken ?? (await textIn(file)) ?? (await ownToken(config, signal))
  if (token === null)
    throw new Error(
      `This machine is no host yet: on the controller's, call \`berth hosts:add ${config.hostId}\`, and within ten minutes set BERTH_JOIN_TOKEN here to what it prints, or put it into ${file}.`,
    )
  const [, , , fingerprint = ''] = JOIN_TOKEN.exec(token) ?? []
  if (fingerprint === '') throw new Error('The join token is not whole: copy it again, from berth_j- to its end.')
  const authority = await pinnedAuthority(config.controllerUrl, fingerprint, signal)
  const { key, publicKey } = await makeKeys()
  const body = JSON.stringify({ token, host: config.hostId, publicKey })
  const connections = connectionsBy({ authority })
  const answer = await reach(ask(connections, config.controllerUrl + pathOfJoin, json(body), signal), config)
  if (!answer.ok) throw new Error(await detailOf(answer))
  const { certificate } = certificateAnswer.parse(await answer.json())
  connections.destroy()
  await rm(file, { force: true })
  log.info('joined as a host', { hostId: config.hostId, controller: config.controllerUrl })
  return { key, certificate, authority }
}

/**
 * The controller's authority, which is told to anybody, and believed only if it is the one that the token names. Nothing that is
 * secret is said before that.
 */
async function pinnedAuthority(url: string, fingerprint: string, signal: AbortSignal): Promise<string> {
  const strangers = new Agent({ minVersion: 'TLSv1.3', rejectUnauthorized: false })
  const answer = await reach(ask(strangers, url + authorityPath, {}, signal), { controllerUrl: url })
  if (!answer.ok)
    throw new Error(`${url} is not where a controller of Berth listens for agents: ${await detailOf(answer)}`)
  const { authority } = authorityAnswer.parse(await answer.json())
  const found = new X509Certificate(authority).fingerprint256.replaceAll(':', '').toLowerCase()
  if (found !== fingerprint)
    throw new Error(
      `What answers at ${url} is not the controller that made the join token (its authority is ${found}, the token's ${fingerprint}). Check BERTH_CONTROLLER_URL, and who is in between.`,
    )
  return authority
}

/** On the controller's own machine, whoever reads root's files is its operator (docs/access.md). */
async function ownToken(config: JoinContext['config'], signal: AbortSignal): Promise<string | null> {
  const operator = await textIn(joinPath(config.home, 'operator-token'))
  if (operator === null) return null
  const url = ownApiUrl(config)
  const answer = await fetch(`${url}/v1/hosts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({ host: config.hostId }),
    signal,
  }).catch((cause: unknown) => {
    throw new Away(`The controller at ${url} does not answer.`, { cause })
  })
  if (answer.status === 503) throw new Away(await detailOf(answer))
  if (!answer.ok)
    throw new Error(`The controller at ${url} makes no join token for this machine: ${await detailOf(answer)}`)
  return ((await answer.json()) as { token: string }).token
}

const reach = (asked: Promise<Response>, { controllerUrl }: { controllerUrl: string }): Promise<Response> =>
  asked.then(
    (answer) => {
      if (answer.status === 503) throw new Away(`The controller at ${controllerUrl} is not ready.`)
      return answer
    },
    (cause: unknown) => {
      throw new Away(unavailable(`The controller at ${controllerUrl}`, cause).message, { cause })
    },
  )

export const json = (text: string) => ({
  method: 'POST' as const,
  headers: { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) },
  body: () => Readable.from([Buffer.from(text)]),
})

/** A problem document's sentence, or what else was said. */
export async function detailOf(answer: Response): Promise<string> {
  const text = (await answer.text()).slice(0, 2000)
  try {
    return (JSON.parse(text) as { detail?: string }).detail ?? text
  } catch {
    return `${answer.status} ${text.slice(0, 200)}`
  }
}

async function textIn(file: string): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim() || null
}
