/** A server on loopback that takes what the platform sends: over TLS, with a certificate for its name, or plain. */
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Authority } from './certificates.ts'

export type Received = { method: string; url: string; headers: IncomingMessage['headers']; body: string }
export type Receiver = {
  port: number
  received: Received[]
  /** Connections that were opened, whether or not anything was asked on them. */
  connections: number
  /** What the next ones are answered; by default 204. */
  answer: (request: Received, res: ServerResponse) => void
  stop(): Promise<void>
}

/** @param pair null: plain HTTP */
export async function startReceiver(pair: Authority | null, port = 0): Promise<Receiver> {
  const receiver: Receiver = {
    port,
    received: [],
    connections: 0,
    answer: (_request, res) => void res.writeHead(204).end(),
    stop: () => close(server),
  }
  const take = (req: IncomingMessage, res: ServerResponse) => {
    let body = ''
    req.on('data', (piece: Buffer) => (body += piece.toString()))
    req.on('end', () => {
      const received = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, body }
      receiver.received.push(received)
      receiver.answer(received, res)
    })
  }
  const server: Server = pair ? createTls({ cert: pair.chain, key: pair.key }, take) : createPlain(take)
  server.on('connection', () => receiver.connections++)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  receiver.port = (server.address() as AddressInfo).port
  return receiver
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
