/** Ports of this machine that lead into an instance: each connection is a WebSocket of its own. */
import { createServer, type Server, type Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { MAX_WAITING_BYTES, type FromRun } from '#core/contract/session.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { Client } from './client.ts'
import { failed } from './failures.ts'
import type { Output } from './output.ts'
import { connectSession } from './session.ts'

export type PortPair = { local: number; remote: number }
export type ForwardContext = {
  client: Pick<Client, 'apiUrl' | 'token'>
  path: string
  /** The instance's. */
  name: string
  out: Pick<Output, 'line' | 'note' | 'error'>
}

/** This machine alone: whoever else can reach it has not shown the API who they are. */
const HERE = '127.0.0.1'

/** Until Ctrl-C. @throws exit code 1 when a port is taken */
export async function listenAndForward(pairs: PortPair[], context: ForwardContext): Promise<void> {
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  const stop = () => {
    for (const server of servers) server.close()
    for (const socket of sockets) socket.destroy()
  }
  try {
    for (const pair of pairs) servers.push(await listen(pair, sockets, context))
  } catch (error) {
    stop()
    throw error
  }
  for (const { local, remote } of pairs) context.out.line(`${HERE}:${local} leads to port ${remote} of ${context.name}`)
  context.out.note('Ctrl-C ends it.')
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  stop()
}

function listen({ local, remote }: PortPair, sockets: Set<Socket>, context: ForwardContext): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    carry(socket, remote, context).catch((error: unknown) => {
      context.out.error(messageOf(error))
      socket.destroy()
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        failed(
          error.code === 'EADDRINUSE'
            ? `Port ${local} of this machine is taken. Name another one: berth ps:forward ${local + 1}:${remote}`
            : `Port ${local} of this machine cannot be listened on: ${error.message}`,
        ),
      ),
    )
    server.listen(local, HERE, () => resolve(server))
  })
}

/** One connection, until either side ends it. @throws why there is none */
async function carry(socket: Socket, port: number, { client, path, out }: ForwardContext): Promise<void> {
  const web = await connectSession({ apiUrl: client.apiUrl, token: client.token, path })
  web.on('error', () => {})
  web.on('close', () => socket.destroySoon())
  web.on('message', (data: RawData, isBinary) => {
    if (isBinary) return give(web, socket, bytesOf(data))
    const message = JSON.parse(bytesOf(data).toString()) as FromRun
    if ('started' in message) take(web, socket)
    else if ('end' in message) out.error(message.end.detail)
  })
  socket.once('close', () => web.close())
  if (socket.destroyed) return web.close()
  web.send(JSON.stringify({ forward: { port } }))
}

function give(web: WebSocket, socket: Socket, bytes: Buffer): void {
  if (socket.write(bytes) || socket.writableLength < MAX_WAITING_BYTES) return
  web.pause()
  socket.once('drain', () => web.resume())
}

function take(web: WebSocket, socket: Socket): void {
  socket.on('data', (chunk: Buffer) => {
    web.send(chunk, { binary: true }, () => {
      if (socket.isPaused() && web.bufferedAmount < MAX_WAITING_BYTES) socket.resume()
    })
    if (web.bufferedAmount >= MAX_WAITING_BYTES) socket.pause()
  })
  // A text message after `started` is the end of what is sent; the other way may go on.
  socket.once('end', () => web.readyState === web.OPEN && web.send('{"inputEnded":true}'))
  socket.resume()
}

const bytesOf = (data: RawData): Buffer => (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer))
