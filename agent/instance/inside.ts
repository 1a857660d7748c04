/**
 * People inside instances that run: a command beside an instance's own (ps:exec), or a connection to one of its ports
 * (ps:forward). The controller says that somebody is there, by a job; what is wanted comes over the session itself.
 */
import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { APP_UID } from '#core/domain/app.ts'
import {
  insideAgentPath,
  insideWish,
  MAX_WAITING_BYTES,
  parseMessage,
  type InsideWish,
} from '#core/contract/session.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import { processName, type Desired } from '#core/domain/instance.ts'
import type { Log } from '#core/runtime/log.ts'
import { createForwards, type Forwards } from '../forward/index.ts'
import { execInSandbox, namespaceOf, type SandboxHandle, type SandboxHost } from '../sandbox/index.ts'
import { openStreams } from '../sandbox/streams.ts'
import { connect, sessionOn, type SessionDoor } from './session.ts'
import type { Supervisor } from './supervisor.ts'

export type InsideContext = {
  door: SessionDoor
  host: SandboxHost
  supervisor: Pick<Supervisor, 'inside'>
  log: Log
}

export type Inside = {
  /** Until the session is over. @throws never */
  attend(session: string, instance: InstanceId): Promise<void>
  stop(): Promise<void>
}

type Place = { desired: Desired; sandbox: SandboxHandle }
type Exec = Extract<InsideWish, { exec: unknown }>['exec']

/** WebSocket's own codes (RFC 6455 §7.4.1). */
const NORMAL = 1000
const TRY_LATER = 1013

export function createInside({ door, host, supervisor, log }: InsideContext): Inside {
  const leaving = new AbortController()
  const open = new Set<Promise<void>>()
  const forwards = createForwards()

  async function attend(session: string, instance: InstanceId): Promise<void> {
    let first: Promise<InsideWish | null> = Promise.resolve(null)
    const prepare = (made: WebSocket) => void (first = firstMessage(made))
    const socket = await connect(door, insideAgentPath(session), leaving.signal, prepare)
    const leave = () => socket.terminate()
    leaving.signal.addEventListener('abort', leave, { once: true })
    try {
      const wish = await first
      const place = supervisor.inside(instance)
      if (wish === null || place === null) socket.close(TRY_LATER)
      else if ('exec' in wish) await exec(session, place, wish.exec, socket)
      else await forward(place, wish.forward.port, socket, forwards)
    } finally {
      leaving.signal.removeEventListener('abort', leave)
    }
  }

  async function exec(id: string, { desired, sandbox }: Place, wish: Exec, socket: WebSocket): Promise<void> {
    const session = sessionOn(socket)
    const streams = await openStreams(wish.streams, host.runFolder, desired.uidBase + APP_UID)
    session.copy(streams)
    const env: Record<string, string> = wish.term === undefined ? {} : { TERM: wish.term }
    const request = { id, command: wish.command, streams: wish.streams, window: wish.window ?? null, env }
    const begun = await execInSandbox(host, sandbox, request, streams).catch((error: unknown) => {
      streams.close()
      return messageOf(error)
    })
    if (typeof begun === 'string') {
      log.info('command inside not begun', { instance: desired.id, error: begun })
      const detail = `could not be begun inside ${processName(desired)}: it may have ended, or have no process to spare.`
      return session.finish({ reason: 'startFailed', exitCode: null, detail })
    }
    session.begin()
    const end = () => void begun.end()
    session.gone.addEventListener('abort', end, { once: true })
    if (session.gone.aborted) end()
    const exitCode = await begun.exited
    session.gone.removeEventListener('abort', end)
    const detail = `ended with code ${exitCode}.`
    // What it left in the background may hold the pipes open; its own output is in them by now.
    await session.finish({ reason: exitCode === 0 ? 'completed' : 'exited', exitCode, detail }, LEFT_OUTPUT_MS)
    streams.close()
  }

  async function forward(place: Place, port: number, socket: WebSocket, via: Forwards): Promise<void> {
    const { id, startedAt } = place.sandbox
    const to = await via.connect(`${id} ${startedAt}`, namespaceOf(host, place.sandbox), port)
    if (to === null) return socket.close(TRY_LATER)
    if (socket.readyState !== socket.OPEN) return void to.destroy()
    socket.send(JSON.stringify({ started: true }))
    await join(socket, to)
  }

  return {
    attend(session, instance) {
      const work = attend(session, instance)
        .catch((error: unknown) => log.info('session inside broke', { instance, error }))
        .finally(() => open.delete(work))
      open.add(work)
      return work
    },
    async stop() {
      leaving.abort()
      await Promise.all(open)
      forwards.stop()
    },
  }
}

const LEFT_OUTPUT_MS = 2_000

/** What is wanted; null when the session is over before. */
function firstMessage(socket: WebSocket): Promise<InsideWish | null> {
  return new Promise((resolve) => {
    socket.once('message', (data: RawData) => resolve(parseMessage(insideWish, bytesOf(data).toString())))
    socket.once('close', () => resolve(null))
    socket.on('error', () => {})
  })
}

/** Bytes both ways, each side at the pace of the other, until one of them ends. */
function join(socket: WebSocket, to: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('message', (data: RawData, isBinary) => {
      if (!isBinary) return void to.end()
      if (to.write(bytesOf(data)) || to.writableLength < MAX_WAITING_BYTES) return
      socket.pause()
      to.once('drain', () => socket.resume())
    })
    to.on('data', (chunk: Buffer) => {
      socket.send(chunk, { binary: true }, () => {
        if (to.isPaused() && socket.bufferedAmount < MAX_WAITING_BYTES) to.resume()
      })
      if (socket.bufferedAmount >= MAX_WAITING_BYTES) to.pause()
    })
    to.on('error', () => {})
    to.on('close', () => {
      socket.close(NORMAL)
      resolve()
    })
    socket.on('close', () => {
      to.destroy()
      resolve()
    })
    to.resume()
  })
}

const bytesOf = (data: RawData): Buffer => (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer))
