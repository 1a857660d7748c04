/** The client's end of a session, of a run or inside an instance: this terminal, or these pipes, become those of the command. */
import type { Readable, Writable } from 'node:stream'
import { WebSocket, type RawData } from 'ws'
import {
  MAX_AHEAD_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_WAITING_BYTES,
  STDERR,
  type FromRun,
  type InsideWish,
  type SessionEnd,
  type ToRun,
} from '#core/contract/session.ts'
import type { Problem } from '#core/contract/api.ts'
import { text } from 'node:stream/consumers'
import { refused, unreachable } from './failures.ts'

export type Screen = {
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: Writable
}

export type SessionOptions = {
  apiUrl: string
  token: string
  /** Of the WebSocket. */
  path: string
  /** What is said first, where the path does not say it all. */
  wish?: InsideWish
  terminal: boolean
  screen: Screen
  onStarted: () => void
}

const KEEP_OPEN_MS = 25_000

/** @returns how the run ended. @throws when the API refuses, or the connection breaks off before the end is known */
export async function attend(options: SessionOptions): Promise<SessionEnd> {
  const { apiUrl, screen, terminal, onStarted, wish } = options
  const socket = await connectSession(options)
  if (wish) socket.send(JSON.stringify(wish))
  const input = inputOf(socket, screen.stdin)
  const say = (message: ToRun) => socket.send(JSON.stringify(message))
  const resize = () => say({ window: windowOf(screen.stdout) })
  // Proxies close what is silent for long.
  const pings = setInterval(() => socket.ping(), KEEP_OPEN_MS)
  try {
    return await new Promise<SessionEnd>((resolve, reject) => {
      let end: SessionEnd | null = null
      socket.on('message', (data, isBinary) => {
        if (isBinary) return show(socket, screen, bufferOf(data))
        const message = JSON.parse(bufferOf(data).toString()) as FromRun
        if ('end' in message) end = message.end
        else if ('taken' in message) input.taken(message.taken)
        else {
          onStarted()
          if (terminal) {
            screen.stdin.setRawMode(true)
            screen.stdout.on('resize', resize)
            resize()
          }
          input.begin(say)
        }
      })
      socket.on('close', () =>
        end ? resolve(end) : reject(unreachable(apiUrl, 'the connection broke off, which ends the command')),
      )
      socket.on('error', () => {})
    })
  } finally {
    clearInterval(pings)
    screen.stdout.off('resize', resize)
    if (terminal) screen.stdin.setRawMode(false)
    screen.stdin.destroy()
  }
}

export const windowOf = ({ rows, columns }: Pick<NodeJS.WriteStream, 'rows' | 'columns'>) => ({
  rows: rows > 0 ? rows : 24,
  columns: columns > 0 ? columns : 80,
})

export function connectSession({
  apiUrl,
  token,
  path,
}: Pick<SessionOptions, 'apiUrl' | 'token' | 'path'>): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const url = apiUrl.replace(/^http/, 'ws') + path
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      maxPayload: MAX_MESSAGE_BYTES + 1,
      perMessageDeflate: false,
    })
    socket.on('open', () => resolve(socket))
    socket.on('error', (error) => reject(unreachable(apiUrl, error.message, error)))
    socket.on('unexpected-response', (_request, response) => {
      text(response).then(
        (body) => reject(refused(JSON.parse(body) as Problem)),
        (error: unknown) => reject(unreachable(apiUrl, 'the connection broke off', error)),
      )
    })
  })
}

/** Reading stops while this side's reader (a pager, a slow disk) does not keep up, and then so does the command. */
function show(socket: WebSocket, { stdout, stderr }: Screen, data: Buffer): void {
  const to = data[0] === STDERR ? stderr : stdout
  if (to.write(data.subarray(1)) || to.writableLength < MAX_WAITING_BYTES) return
  socket.pause()
  to.once('drain', () => socket.resume())
}

/** What is typed or piped in; never more of it under way than the run's host has promised to take. */
function inputOf(socket: WebSocket, stdin: Readable) {
  let sent = 0
  let took = 0
  const isFull = () => sent - took >= MAX_AHEAD_BYTES
  return {
    begin(say: (message: ToRun) => void): void {
      stdin.on('data', (data: Buffer) => {
        for (let at = 0; at < data.length; at += MAX_MESSAGE_BYTES)
          socket.send(data.subarray(at, at + MAX_MESSAGE_BYTES))
        sent += data.length
        if (isFull()) stdin.pause()
      })
      stdin.on('end', () => {
        if (socket.readyState === socket.OPEN) say({ inputEnded: true })
      })
      stdin.on('error', () => {})
    },
    taken(bytes: number): void {
      took = bytes
      if (!isFull() && stdin.isPaused()) stdin.resume()
    },
  }
}

const bufferOf = (data: RawData): Buffer => (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer))
