/**
 * Who this host is to the controller: a certificate that counts for a day, and is renewed at half of its time, with a new key.
 * Where the controller does not know it any more, it joins anew if it may, and else says what an operator has to do.
 */
import type { Agent } from 'node:https'
import { renewPath, certificateAnswer } from '#core/contract/enrolment.ts'
import { renewalOf } from '#core/domain/agent-access.ts'
import { messageOf, unavailable } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { ask, connectionsBy, type Asked } from './ask.ts'
import { endOf, identityFile, readCredentials, writeCredentials, type Credentials } from './file.ts'
import { detailOf, joinController, json } from './join.ts'
import { makeKeys } from './keys.ts'

/** The way to the controller. */
export type ControllerDoor = {
  /** Without a slash at its end. */
  url: string
  /** Of the certificate that counts now; to be asked for each connection anew. */
  connections(): Agent
  /** @param path like `/internal/…` @throws UNAVAILABLE when there is no answer */
  ask(path: string, asked: Asked, signal: AbortSignal): Promise<Response>
}

export type HostIdentity = ControllerDoor & { stop(): Promise<void> }

type IdentityContext = {
  config: Pick<Config, 'home' | 'hostId' | 'controllerUrl' | 'joinToken' | 'apiAddress' | 'apiPort'>
  log: Log
  now: () => number
}

const RETRY_MS = 60_000
/** Of a timer, so that a clock that was set right is noticed. */
const LONGEST_SLEEP_MS = 3600_000

/** @throws when this machine is no host and cannot become one now */
export async function openIdentity(context: IdentityContext): Promise<HostIdentity> {
  const { config, log, now } = context
  const { controllerUrl: url } = config
  const file = identityFile(config.home)
  const stopping = new AbortController()
  const { signal } = stopping
  let renewAt = 0
  let current: Credentials | null = null
  let agent: Agent | null = null

  async function take(next: Credentials): Promise<void> {
    await writeCredentials(file, next)
    hold(next)
    renewAt = renewalOf(now(), endOf(next))
  }

  /** Requests that go on do so on the connections of the certificate before, which close when they are idle. */
  function hold(next: Credentials): void {
    current = next
    agent = connectionsBy(next)
  }

  const connections = (): Agent => {
    if (!agent) throw new Error('the identity of the host is not open')
    return agent
  }

  const door: ControllerDoor = {
    url,
    connections,
    ask: (path, asked, asking) =>
      ask(connections(), url + path, asked, asking).catch((cause: unknown) => {
        throw unavailable(`The controller at ${url}`, cause)
      }),
  }

  /** @throws Unknown when the controller says that this is no host */
  async function renew(): Promise<void> {
    const { key, publicKey } = await makeKeys()
    const answer = await door.ask(renewPath, json(JSON.stringify({ publicKey })), signal)
    if (answer.status === 401) throw new Unknown(await detailOf(answer))
    if (!answer.ok) throw new Error(`The controller does not renew the certificate: ${await detailOf(answer)}`)
    const { certificate, authority } = certificateAnswer.parse(await answer.json())
    await take({ key, certificate, authority })
  }

  const join = async () => take(await joinController(context, signal))

  /** At the start, so that a host whose enrolment has ended says so at once, and the next certificate is a whole one. */
  async function open(): Promise<void> {
    const stored = await readCredentials(file, config.hostId)
    if (stored === null || endOf(stored) <= now()) return join()
    hold(stored)
    try {
      await renew()
    } catch (error) {
      if (error instanceof Unknown) return joinAnew(error)
      // A controller that is away must not keep the host's instances from running.
      log.warn('certificate not renewed yet', { error: messageOf(error) })
      renewAt = now() + RETRY_MS
    }
  }

  async function joinAnew(why: Unknown): Promise<void> {
    log.warn('the controller does not know this host any more', { why: why.message })
    await join()
  }

  async function keepRenewing(): Promise<void> {
    while (!signal.aborted) {
      await sleep(Math.min(LONGEST_SLEEP_MS, Math.max(0, renewAt - now())), signal)
      if (signal.aborted || now() < renewAt) continue
      renewAt = now() + RETRY_MS
      await renew()
        .catch((error: unknown) => (error instanceof Unknown ? joinAnew(error) : Promise.reject(error as Error)))
        .catch((error: unknown) => {
          if (signal.aborted) return
          const endsAt = current && new Date(endOf(current)).toISOString()
          log.error('certificate of this host not renewed', { error: messageOf(error), endsAt })
        })
    }
  }

  await open()
  const renewing = keepRenewing()
  return {
    ...door,
    async stop() {
      stopping.abort()
      await renewing
      agent?.destroy()
    },
  }
}

class Unknown extends Error {}
