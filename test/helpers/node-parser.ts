/** The bytes of a client as Node's own HTTP parser reads them: the other opinion that our grammars are compared with. */
import { createServer, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'

export type Seen = {
  method: string
  target: string
  version: string
  /** Names and values alternating, as they were sent. */
  headers: string[]
  body: string
}

export type Reading = {
  /** The requests that were whole, in their order. */
  requests: Seen[]
  /** The parser's code when it gave up, such as HPE_INVALID_HEADER_TOKEN. */
  error: string | null
}

/** Reads a whole connection, to its end. */
export async function readByNode(bytes: Buffer): Promise<Reading> {
  const reading: Reading = { requests: [], error: null }
  const wire = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })
  const server = createServer({ requireHostHeader: false, keepAliveTimeout: 0, requestTimeout: 0 })
  server.maxHeadersCount = 0
  let begun = 0
  const take = (request: IncomingMessage, end: () => void) => {
    begun += 1
    const index = begun - 1
    const body: Buffer[] = []
    request.on('data', (chunk: Buffer) => body.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      reading.requests[index] = seen(request, Buffer.concat(body))
      end()
    })
  }
  server.on('request', (request, response) => take(request, () => response.end()))
  server.on('checkContinue', (request, response) => take(request, () => response.end()))
  server.on('checkExpectation', (request, response) => take(request, () => response.end()))
  server.on('clientError', (error: Error & { code?: string }) => {
    reading.error = error.code ?? error.message
    wire.destroy()
  })
  const closed = new Promise((resolve) => wire.once('close', resolve))
  wire.on('error', () => {})
  server.emit('connection', wire)
  wire.push(bytes)
  wire.push(null)
  await closed
  return reading
}

const seen = (request: IncomingMessage, body: Buffer): Seen => ({
  method: request.method ?? '',
  target: request.url ?? '',
  version: request.httpVersion,
  headers: request.rawHeaders,
  body: body.toString('latin1'),
})
