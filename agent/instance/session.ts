/**
 * The agent's end of a session: bytes from the client to the run's input, and from its outputs to the client. The agent
 * opens it, to the controller; it looks at no byte of either side.
 */
import type { Socket } from 'node:net'
import { WebSocket, type RawData } from 'ws'
import {
  agentPath,
  MAX_AHEAD_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_WAITING_BYTES,
  parseMessage,
  STDOUT,
  toRun,
  type FromRun,
  type SessionEnd,
} from '#core/contract/session.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import { ATTACH_WITHIN_MS } from '#core/domain/run.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { ControllerDoor } from '../identity/index.ts'
import type { Streams } from '../sandbox/streams.ts'

export type Session = {
  /** Aborted when the client has gone, or nobody knows whether it has. */
  gone: AbortSignal
  /** Copies until both sides are at their end. To be called before there is a process, which may end at once. */
  copy(streams: Streams): void
  /** There is a process: the client may send. */
  begin(): void
  /** Bytes that came out so far. */
  bytes(): number
  /** Waits until all output has been passed on, or for so long, tells how it ended, and closes. */
  finish(end: SessionEnd, withinMs?: number): Promise<void>
}

export type SessionDoor = Pick<ControllerDoor, 'url' | 'connections'>

const RETRY_MS = 500
/** The controller waits for the client before it answers. */
const HANDSHAKE_MS = ATTACH_WITHIN_MS + 10_000
/** Output that is left over from a process that has ended waits so long for a slow client. */
const LAST_OUTPUT_MS = 5 * 60_000

/** @throws when there is no client, or no controller */
export async function openSession(door: SessionDoor, id: InstanceId, signal: AbortSignal): Promise<Session> {
  const until = performance.now() + ATTACH_WITHIN_MS
  for (;;) {
    try {
      return sessionOn(await connect(door, agentPath(id), signal))
    } catch (error) {
      // A controller that is being restarted refuses connections; one that answers knows that nobody is there.
      const answered = error instanceof Error && error.message.startsWith('Unexpected server response')
      if (answered || signal.aborted || performance.now() > until) throw error
      await sleep(RETRY_MS, signal)
    }
  }
}

/** @param prepare for who must not miss what the other side says at once: the first message may come with the handshake */
export function connect(
  { url, connections }: SessionDoor,
  path: string,
  signal: AbortSignal,
  prepare: (socket: WebSocket) => void = () => {},
): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws') + path, {
      agent: connections(),
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    })
    prepare(socket)
    const giveUp = () => socket.terminate()
    signal.addEventListener('abort', giveUp, { once: true })
    socket.on('open', () => {
      signal.removeEventListener('abort', giveUp)
      resolve(socket)
    })
    socket.on('error', reject)
  })
}

export function sessionOn(socket: WebSocket): Session {
  const leaving = new AbortController()
  let ends: Promise<unknown> = Promise.resolve()
  let bytes = 0
  socket.on('error', () => {})
  socket.on('close', () => leaving.abort())
  const say = (message: FromRun) => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message))
  }
  return {
    gone: leaving.signal,
    copy(streams) {
      takeInput(socket, streams, say)
      ends = Promise.all(
        streams.outputs.map((output, index) => giveOutput(output, STDOUT + index, socket, (count) => (bytes += count))),
      )
    },
    begin: () => say({ started: true }),
    bytes: () => bytes,
    async finish(end, withinMs = LAST_OUTPUT_MS) {
      const over = new AbortController()
      await Promise.race([ends, sleep(withinMs, AbortSignal.any([leaving.signal, over.signal]))])
      over.abort()
      say({ end })
      socket.close(1000)
    },
  }
}

function takeInput(socket: WebSocket, { input, sizes }: Streams, say: (message: FromRun) => void): void {
  let taken = 0
  const take = (data: Buffer) => {
    if (input.writableLength > 2 * MAX_AHEAD_BYTES) return socket.terminate()
    input.write(data, (error) => {
      if (error) return
      taken += data.length
      say({ taken })
    })
  }
  socket.on('message', (raw, isBinary) => {
    const data = bufferOf(raw)
    if (isBinary) return take(data)
    const message = parseMessage(toRun, data.toString())
    if (message === null) return
    if ('window' in message) sizes?.write(`${message.window.rows} ${message.window.columns}\n`)
    else input.end()
  })
}

/** Until the output's end. Reading stops while the client does not keep up, and then so does the process. */
function giveOutput(output: Socket, stream: number, socket: WebSocket, count: (bytes: number) => void): Promise<void> {
  return new Promise((resolve) => {
    output.on('data', (chunk: Buffer) => {
      count(chunk.length)
      if (socket.readyState !== socket.OPEN) return
      socket.send(Buffer.concat([Buffer.of(stream), chunk]), () => {
        if (output.isPaused() && socket.bufferedAmount < MAX_WAITING_BYTES) output.resume()
      })
      if (socket.bufferedAmount >= MAX_WAITING_BYTES) output.pause()
    })
    output.on('close', resolve)
  })
}

const bufferOf = (data: RawData): Buffer => (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer))
