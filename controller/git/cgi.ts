/** Runs a CGI program (RFC 3875) for one request: body in, header block and body out, nothing held in memory. */
import { spawn, type ChildProcess } from 'node:child_process'
import { Transform, type Duplex, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import { bodyTooLarge } from '#core/domain/errors.ts'

export type CgiProgram = {
  argv: [string, ...string[]]
  env: Record<string, string>
  uid?: number
  gid?: number
  /** File descriptor 3 of the program is a socket to us. */
  withSocket: boolean
  maxBodyBytes: number
  /** How long the body may take to arrive. */
  bodyTimeoutMs: number
}

export type Cgi = {
  socket: Duplex | null
  /** Resolves when the program has ended. Never rejects. */
  ended: Promise<void>
  /** From here on the program goes on when the client leaves. */
  outliveClient: () => void
  /** Resolves when the answer is sent. @throws when there is none to send */
  answered: Promise<void>
}

export function runCgi(req: Request, res: Response, program: CgiProgram): Cgi {
  const [command, ...args] = program.argv
  const child = spawn(command, args, {
    cwd: '/',
    env: program.env,
    ...(program.uid === undefined ? {} : { uid: program.uid }),
    ...(program.gid === undefined ? {} : { gid: program.gid }),
    stdio: ['pipe', 'pipe', 'ignore', program.withSocket ? 'pipe' : 'ignore'],
    // A group of its own, so that the program's children end with it.
    detached: true,
  })
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => resolve())
    child.on('error', () => resolve())
  })
  let outlives = false
  res.on('close', () => {
    if (!res.writableFinished && !outlives) endGroup(child)
  })
  const socket = (child.stdio[3] ?? null) as Duplex | null
  // The other side may end at any moment; what matters is that it ended.
  socket?.on('error', () => {})
  return {
    socket,
    ended,
    outliveClient: () => void (outlives = true),
    answered: Promise.all([sendBody(req, child, program), answer(child, res)]).then(() => {}),
  }
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const group = -child.pid
  signal(group, 'SIGTERM')
  setTimeout(() => signal(group, 'SIGKILL'), 5_000).unref()
}

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(group, name)
  } catch {
    // It has ended already.
  }
}

async function sendBody(req: Request, child: ChildProcess, program: CgiProgram): Promise<void> {
  if (!child.stdin) return
  let bytes = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(bytes > program.maxBodyBytes ? bodyTooLarge(program.maxBodyBytes) : null, chunk)
    },
  })
  const timer = setTimeout(() => req.destroy(), program.bodyTimeoutMs)
  try {
    await pipeline(req, meter, child.stdin)
  } catch (error) {
    // A program that has read enough closes its input; its answer says what it thinks of it.
    if (bytes <= program.maxBodyBytes) return
    endGroup(child)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

const MAX_HEAD = 16 * 1024

async function answer(child: ChildProcess, res: Response): Promise<void> {
  const output = child.stdout
  if (!output) throw new Error(`${child.spawnfile} did not start`)
  child.on('error', (error) => output.destroy(error))
  const { head, rest } = await readHead(output)
  const { status, headers } = parseHead(head)
  res.status(status)
  for (const [name, value] of headers) res.setHeader(name, value)
  if (rest.length > 0) res.write(rest)
  else res.flushHeaders()
  try {
    await pipeline(output, res)
  } catch {
    // The client left. What still comes must flow off, or a program that outlives it would wait for ever.
    output.resume()
  }
}

/** Reads up to the empty line. */
async function readHead(output: Readable): Promise<{ head: string; rest: Buffer }> {
  let got = Buffer.alloc(0)
  for await (const chunk of output.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    got = Buffer.concat([got, chunk])
    const end = got.indexOf('\r\n\r\n')
    if (end >= 0) return { head: got.toString('latin1', 0, end), rest: got.subarray(end + 4) }
    if (got.length > MAX_HEAD) break
  }
  throw new Error('The CGI program ended without an answer')
}

/** RFC 3875 §6.3: `Status` is the status line; without it, 200. */
export function parseHead(head: string): { status: number; headers: [string, string][] } {
  let status = 200
  const headers: [string, string][] = []
  for (const line of head.split('\r\n')) {
    const [, name = '', value = ''] = /^([A-Za-z0-9-]+):[ \t]*(.*)$/.exec(line) ?? []
    if (name.toLowerCase() === 'status') status = Number(/^[2-5]\d\d/.exec(value)?.[0] ?? 500)
    else if (name !== '') headers.push([name, value])
  }
  return { status, headers }
}
