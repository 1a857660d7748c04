/**
 * People inside instances that run. The client opens a WebSocket and says what it wants; the instance's agent is told by a
 * job, opens another one, and the two are joined. All that is begun is an event of the app's, with who began it.
 */
import type { RawData, WebSocket } from 'ws'
import { insideWish, MAX_AHEAD_BYTES, parseMessage, type FromRun, type InsideWish } from '#core/contract/session.ts'
import { standsIn, type Caller } from '#core/domain/access.ts'
import type { App } from '#core/domain/app.ts'
import { instanceNotRunning, notFound, tooManySessions, unavailable } from '#core/domain/errors.ts'
import { makeId, type AppId, type HostId } from '#core/domain/ids.ts'
import { processName, type Instance } from '#core/domain/instance.ts'
import { sleep } from '#core/runtime/clock.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { eventOfApp } from '../events.ts'
import { requireRunning } from '../halted.ts'
import { pass, textOf } from './pass.ts'
import type { SessionsContext } from './sessions.ts'

export type Inside = {
  /** @param app one that the caller may change @throws why nobody can now */
  admitClient(caller: Caller, app: App, instance: string): Promise<(client: WebSocket) => void>
  /** Where the instance of a session is; null: there is none that waits for its agent. */
  hostOf(session: string): HostId | null
  /** @throws NOT_FOUND */
  admitAgent(session: string): (agent: WebSocket) => void
}

type Session = {
  app: App
  instance: Instance
  client: WebSocket
  wish: InsideWish
  /** In ms. */
  atMost: number
  agent: WebSocket | null
  /** When something was last said by either side. */
  heardAt: number
}

/** Of one app, at a time; a connection that is forwarded is one. */
const MAX_SESSIONS = 32
const WISH_WITHIN_MS = 10_000
const AGENT_WITHIN_MS = 15_000
/** Nobody is inside for longer, or for longer without a byte either way. */
export const MAX_SESSION_MS = 12 * 3600_000
/** Nor an operator in a tenant's place for longer than this, whatever is said. */
export const MAX_STANDING_IN_MS = 3600_000
export const MAX_IDLE_MS = 3600_000
const LOOK_EVERY_MS = 5_000
/** Connections to one port by one person are one event in this time. */
const SAME_EVENT_MS = 600_000
const NORMAL = 1000
const GOING_AWAY = 1001
const POLICY = 1008

export function createInside(context: SessionsContext): Inside {
  const { store, log, now, signal } = context
  const sessions = new Map<string, Session>()
  const told = new Map<string, number>()
  const admitted = new Map<AppId, number>()
  signal.addEventListener('abort', () => {
    for (const { client, agent } of sessions.values()) for (const one of [client, agent]) one?.close(GOING_AWAY)
  })

  async function admitClient(caller: Caller, app: App, wanted: string): Promise<(client: WebSocket) => void> {
    await requireRunning(store, app, 'nobody gets into its instances')
    const instance = await findInstance(app, wanted)
    if ((admitted.get(app.id) ?? 0) >= MAX_SESSIONS) throw tooManySessions(app.name, MAX_SESSIONS)
    return (client) => {
      admitted.set(app.id, (admitted.get(app.id) ?? 0) + 1)
      client.on('error', () => {})
      client.once('close', () => leave(app.id))
      attend(app, instance, caller, client).catch((error: unknown) => {
        log.error('session broke', { error })
        client.close(GOING_AWAY)
      })
    }
  }

  function leave(app: AppId): void {
    const left = (admitted.get(app) ?? 1) - 1
    if (left === 0) admitted.delete(app)
    else admitted.set(app, left)
  }

  /** @param wanted `web.1`, or its id @throws NOT_FOUND, INSTANCE_NOT_RUNNING, UNAVAILABLE */
  async function findInstance(app: App, wanted: string): Promise<Instance> {
    const isMeant = ({ desired }: Instance) =>
      desired.appId === app.id && (desired.id === wanted || processName(desired) === wanted)
    const found = (await loadInstances(store)).filter(isMeant)
    // During a rollout two have one name: the one that serves is meant.
    const instance = found.find(({ reported }) => reported?.state === 'running') ?? found[0]
    if (!instance) throw notFound('instance', wanted.slice(0, 100))
    const state = instance.reported?.state ?? 'pending'
    if (!['starting', 'running', 'draining'].includes(state))
      throw instanceNotRunning(processName(instance.desired), state)
    const host = (await loadHosts(store)).find(({ id }) => id === instance.desired.hostId)
    if (!host?.live) throw unavailable(`The host of ${processName(instance.desired)}`)
    return instance
  }

  /** From the wish to the end of either side. */
  async function attend(app: App, instance: Instance, caller: Caller, client: WebSocket): Promise<void> {
    const wish = await firstMessage(client)
    if (wish === null) return client.close(POLICY)
    const id = makeId('x', context.random(13))
    const began = now()
    const atMost = standsIn(caller, app.tenantId) ? MAX_STANDING_IN_MS : MAX_SESSION_MS
    const session: Session = { app, instance, client, wish, atMost, agent: null, heardAt: began }
    await tell(session, caller.actor)
    sessions.set(id, session)
    client.on('message', (data, isBinary) => toAgent(session, data, isBinary))
    client.once('close', () => {
      sessions.delete(id)
      session.agent?.close(NORMAL)
    })
    context.tell(instance.desired.hostId, { kind: 'session', session: id, instanceId: instance.desired.id })
    while (client.readyState === client.OPEN && !signal.aborted) {
      const why = overdue(session, began)
      if (why !== null) return finish(session, why)
      await sleep(LOOK_EVERY_MS / (session.agent ? 1 : 20), signal)
    }
  }

  function overdue({ agent, heardAt, atMost }: Session, began: number): { reason: string; detail: string } | null {
    if (!agent && now() - began > AGENT_WITHIN_MS)
      return { reason: 'notThere', detail: 'was not begun: its host did not answer in time. Try again.' }
    if (now() - began > atMost) return { reason: 'timedOut', detail: `was ended: ${longest(atMost)}` }
    if (now() - heardAt > MAX_IDLE_MS)
      return {
        reason: 'timedOut',
        detail: `was ended: for ${MAX_IDLE_MS / 60_000} minutes nothing was said by either side.`,
      }
    return null
  }

  function finish({ client, agent }: Session, { reason, detail }: { reason: string; detail: string }): void {
    client.send(JSON.stringify({ end: { reason, exitCode: null, detail } } satisfies FromRun))
    client.close(NORMAL)
    agent?.close(NORMAL)
  }

  function admitAgent(id: string): (agent: WebSocket) => void {
    const session = sessions.get(id)
    if (!session || session.agent) throw notFound('session', id.slice(0, 100))
    return (agent) => {
      if (session.agent || session.client.readyState !== session.client.OPEN) return agent.close(POLICY)
      session.agent = agent
      session.heardAt = now()
      agent.on('error', () => {})
      agent.on('message', () => (session.heardAt = now()))
      pass(agent, session.client)
      agent.once('close', (code) => {
        if (code === NORMAL) return session.client.close(NORMAL)
        const isForward = 'forward' in session.wish
        const name = processName(session.instance.desired)
        const detail = isForward
          ? `Nothing listens on port ${portOf(session.wish)} in ${name}, or it is not running any more.`
          : `was ended: the connection to the host of ${name} broke off, or it is not running any more.`
        finish(session, { reason: 'notThere', detail })
      })
      agent.send(JSON.stringify(session.wish))
    }
  }

  function toAgent(session: Session, data: RawData, isBinary: boolean): void {
    const { client, agent } = session
    session.heardAt = now()
    if (!agent || agent.readyState !== agent.OPEN) return
    // Who sends without waiting for what was taken is cut off; a forwarded connection is told to wait by its own means.
    if ('exec' in session.wish && agent.bufferedAmount > 2 * MAX_AHEAD_BYTES) return client.close(POLICY)
    agent.send(data, { binary: isBinary }, () => {
      if (client.isPaused && agent.bufferedAmount < MAX_AHEAD_BYTES) client.resume()
    })
    if ('forward' in session.wish && agent.bufferedAmount >= MAX_AHEAD_BYTES) client.pause()
  }

  async function tell({ app, instance, wish }: Session, actor: string): Promise<void> {
    const name = processName(instance.desired)
    const key = 'forward' in wish ? `${app.id} ${name} ${wish.forward.port} ${actor}` : null
    if (key !== null && now() - (told.get(key) ?? -Infinity) < SAME_EVENT_MS) return
    for (const [old, at] of told) if (now() - at > SAME_EVENT_MS) told.delete(old)
    if (key !== null) told.set(key, now())
    const what =
      'exec' in wish
        ? `\`${wish.exec.command.slice(0, 200)}\` was begun inside ${name}`
        : `port ${wish.forward.port} of ${name} was forwarded`
    const { id, hostId, release } = instance.desired
    const about = { process: name, instance: id, host: hostId, release }
    await appendEvent(store, app.id, { ...eventOfApp('entered', what, actor, now()), ...about })
  }

  return { admitClient, admitAgent, hostOf: (id) => sessions.get(id)?.instance.desired.hostId ?? null }
}

const longest = (atMost: number): string =>
  atMost === MAX_SESSION_MS
    ? `nobody is inside for longer than ${MAX_SESSION_MS / 3600_000} hours.`
    : `operators are in a tenant's place for ${MAX_STANDING_IN_MS / 60_000} minutes at a time.`

const portOf = (wish: InsideWish): number => ('forward' in wish ? wish.forward.port : 0)

/** @returns null for what is no wish, or comes too late */
function firstMessage(client: WebSocket): Promise<InsideWish | null> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(null), WISH_WITHIN_MS)
    client.once('close', () => resolve(null))
    client.once('message', (data, isBinary) => {
      clearTimeout(late)
      resolve(isBinary ? null : parseMessage(insideWish, textOf(data)))
    })
  })
}
