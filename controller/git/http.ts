/** Git's smart HTTP protocol (gitprotocol-http(5)) at /git/APP.git: who may, which repository, and then service.ts. */
import { PassThrough, Transform, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Request, RequestHandler, Response } from 'express'
import type { App } from '#core/domain/app.ts'
import { bodyTooLarge, notFound, wrongMediaType, type BerthError } from '#core/domain/errors.ts'
import { findAppFor, findAppToChange } from '../api/access.ts'
import { callerOf } from '../api/auth.ts'
import type { ApiContext } from '../api/context.ts'
import { toBerthError } from '../api/errors.ts'
import { recorded, type Session } from '../audit/sessions.ts'
import { noteFailure } from '../audit/record.ts'
import { advertiseGit, requirePushable, serveGit, TRANSFER_MS, type Client, type Service } from './service.ts'

export const BODY_TIMEOUT_MS = TRANSFER_MS

/** What a client may say before git answers a fetch: which objects it wants and has. */
const MAX_FETCH_BYTES = 64 * 1024 * 1024
/** Besides its objects a push says which refs it changes. */
const MAX_COMMANDS_BYTES = 1024 * 1024

/** The three calls of the protocol; everything else of a repository is not there. */
const CALL = /^\/([a-z0-9-]{1,63})\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/

export function gitHttp(context: ApiContext): RequestHandler {
  return async (req, res) => {
    const [, name = '', call = ''] = CALL.exec(req.path) ?? []
    res.setHeader('Cache-Control', 'no-cache, max-age=0, must-revalidate')
    if (call === 'info/refs' && req.method === 'GET') return advertise(req, res, name, context)
    if ((call === 'git-upload-pack' || call === 'git-receive-pack') && req.method === 'POST')
      return converse(req, res, name, call, context)
    throw notFound('page', req.path)
  }
}

/** The first call. What is refused here, the client shows with its sentence, so as much as can be is. */
async function advertise(req: Request, res: Response, name: string, context: ApiContext): Promise<void> {
  const service = serviceOf(req)
  if (service === null) throw notFound('page', req.path)
  try {
    const app = await appFor(req, service, name, context)
    if (service === 'git-receive-pack') await requirePushable(app, context)
    // Protocol version 2 leaves out the line that names the service (gitprotocol-v2(5), "HTTP Transport").
    const isNamed = service === 'git-receive-pack' || !protocolOf(req).includes('version=2')
    const output = after(isNamed ? `${packet(`# service=${service}\n`)}0000` : '')
    res.type(`application/x-${service}-advertisement`)
    const client = clientOf(req, res, {
      app,
      service,
      args: ['--stateless-rpc', '--advertise-refs'],
      output,
      input: nothing(),
    })
    output.pipe(res, { end: false })
    await advertiseGit(client, context)
    output.end()
    output.on('end', () => res.end())
  } catch (error) {
    noteFailure(req, toBerthError(error).code)
    refuseWithText(res, toBerthError(error))
  }
}

/** Hands on what comes behind a line of ours. Before anything comes it says nothing, so that a refusal still can. */
function after(line: string): Transform {
  let left = line
  const taken = () => {
    const one = left
    left = ''
    return one
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, Buffer.concat([Buffer.from(taken()), chunk]))
    },
    flush: (done) => done(null, taken()),
  })
}

const appFor = (req: Request, service: Service, name: string, { store }: ApiContext) =>
  (service === 'git-receive-pack' ? findAppToChange : findAppFor)(callerOf(req), store, name)

/** Git shows the body of a refusal only when it is plain text (http.c, show_http_message). */
function refuseWithText(res: Response, error: BerthError): void {
  if (res.headersSent) return void res.destroy()
  if (error.status >= 500 && error.status !== 503) throw error
  res.status(error.status).type('text/plain').send(error.message)
}

async function converse(
  req: Request,
  res: Response,
  name: string,
  service: Service,
  context: ApiContext,
): Promise<void> {
  if (req.headers['content-type'] !== `application/x-${service}-request`)
    throw wrongMediaType(req.headers['content-type'] ?? 'none')
  const app = await appFor(req, service, name, context)
  const isPush = service === 'git-receive-pack'
  const { maxBytes } = context.repositories
  const input = bodyOf(req, isPush ? maxBytes + MAX_COMMANDS_BYTES : MAX_FETCH_BYTES)
  res.type(`application/x-${service}-result`)
  try {
    const serve = () =>
      serveGit(clientOf(req, res, { app, service, args: ['--stateless-rpc'], input, output: res }), context)
    if (isPush) await recorded(sessionOf(req, res, app), context.audit, serve, (code) => code === 0)
    else await serve()
    res.end()
  } catch (error) {
    refuseInProtocol(res, service, toBerthError(error))
  }
}

const sessionOf = (req: Request, res: Response, { tenantId, name }: App): Session => ({
  operation: 'git push',
  caller: callerOf(req),
  tenant: tenantId,
  app: name,
  requestId: String(res.getHeader('X-Request-Id')),
  from: { address: req.ip ?? '', agent: req.get('user-agent') ?? '' },
})

/** In git's own words: a fatal message of the side band (gitprotocol-pack(5)), or an error packet (gitprotocol-common(5)). */
function refuseInProtocol(res: Response, service: Service, error: BerthError): void {
  if (res.headersSent) return void res.destroy()
  if (error.status >= 500 && error.status !== 503) throw error
  const text = `${error.message}\n`
  res
    .status(200)
    .send(Buffer.from(service === 'git-receive-pack' ? `${packet(`\x03${text}`)}0000` : packet(`ERR ${text}`)))
}

/** One line of the protocol, with its length before it (gitprotocol-common(5), pkt-line). */
const packet = (text: string): string => (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text

function serviceOf(req: Request): Service | null {
  const { service } = req.query
  return service === 'git-upload-pack' || service === 'git-receive-pack' ? service : null
}

function clientOf(
  req: Request,
  res: Response,
  client: Pick<Client, 'app' | 'service' | 'args' | 'input' | 'output'>,
): Client {
  const gone = new AbortController()
  res.on('close', () => {
    if (!res.writableFinished) gone.abort()
  })
  return {
    ...client,
    actor: callerOf(req).actor,
    protocol: protocolOf(req),
    gone: gone.signal,
  }
}

function protocolOf(req: Request): string {
  const protocol = req.headers['git-protocol']
  return typeof protocol === 'string' && /^[\w=:.-]{1,100}$/.test(protocol) ? protocol : ''
}

function nothing(): Readable {
  const empty = new PassThrough()
  empty.end()
  return empty
}

/** The body as git is to read it, cut off after so many bytes whatever it unfolds to. */
function bodyOf(req: Request, maxBytes: number): Readable {
  const declared = Number(req.headers['content-length'] ?? 0)
  if (declared > maxBytes) throw bodyTooLarge(maxBytes)
  const encoding = req.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return limited(req, maxBytes)
  if (encoding !== 'gzip' && encoding !== 'x-gzip') throw wrongMediaType(`Content-Encoding: ${encoding.slice(0, 40)}`)
  const unfolded = createGunzip()
  req.on('error', () => unfolded.destroy())
  unfolded.on('error', () => req.resume())
  return limited(req.pipe(unfolded), maxBytes)
}

/** More than the limit is not handed on, and git finds that its input ended early. */
function limited(body: Readable, maxBytes: number): Readable {
  let bytes = 0
  const gate = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(bytes > maxBytes ? bodyTooLarge(maxBytes) : null, chunk)
    },
  })
  body.on('error', (error) => gate.destroy(error))
  // A body that broke off has closed without its end.
  body.on('close', () => void (body.readableEnded || gate.destroy(new Error('the body broke off'))))
  gate.on('error', () => body.resume())
  return body.pipe(gate)
}
