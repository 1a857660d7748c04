/**
 * Asks an instance whether it is ready, from the host, over the instance's own network: nothing is needed inside it. What
 * answers is the tenant's program, so time and bytes have a limit each, and nothing that it says makes a probe throw.
 */
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { HealthCheck } from '#core/domain/health-check.ts'
import type { ProbeAnswer } from './health.ts'

export type ProbedAt = { host: string; port: number }

/** For all of one probe, however the answer drips. */
const PROBE_TIMEOUT_MS = 5_000
const MAX_HEAD_BYTES = 8 * 1024
/** Of the body of an answer that says no: enough to show a person why. */
const MAX_BODY_BYTES = 512

/** One look. Never throws: whatever the app does is an answer. */
export const probe = (check: Pick<HealthCheck, 'kind' | 'path'>, at: ProbedAt): Promise<ProbeAnswer> =>
  check.kind === 'tcp' ? probeTcp(at) : probeHttp(at, check.path)

/** A connection that is accepted is all that is asked for. */
function probeTcp(at: ProbedAt): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const socket = connect(at)
    const end = once((answer: ProbeAnswer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    })
    const timer = setTimeout(() => end({ kind: 'silent' }), PROBE_TIMEOUT_MS)
    socket.once('connect', () => end({ kind: 'accepted' }))
    socket.on('error', (error) => end(answerIn(error)))
  })
}

/** One `GET`. */
function probeHttp({ host, port }: ProbedAt, path: string): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const asked = request({
      host,
      port,
      path,
      method: 'GET',
      agent: false,
      maxHeaderSize: MAX_HEAD_BYTES,
      headers: { 'user-agent': 'Berth-Probe', connection: 'close' },
    })
    const end = once((answer: ProbeAnswer) => {
      clearTimeout(timer)
      asked.destroy()
      resolve(answer)
    })
    let heard: ProbeAnswer = { kind: 'silent' }
    const timer = setTimeout(() => end(heard), PROBE_TIMEOUT_MS)
    asked.once('response', (response) => {
      const status = response.statusCode ?? 0
      heard = { kind: 'answered', status, body: '' }
      if (status < 500) return end(heard)
      readStart(response, (body) => end({ kind: 'answered', status, body }))
    })
    asked.on('error', (error) => end(heard.kind === 'answered' ? heard : answerIn(error)))
    asked.end()
  })
}

/** The first bytes of a body, once they are there or the body is over. */
function readStart(response: IncomingMessage, done: (text: string) => void): void {
  let bytes = Buffer.alloc(0)
  const tell = () => done(bytes.subarray(0, MAX_BODY_BYTES).toString())
  response.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk.subarray(0, MAX_BODY_BYTES)])
    if (bytes.length >= MAX_BODY_BYTES) tell()
  })
  response.on('close', tell)
  response.on('error', tell)
}

function answerIn(error: NodeJS.ErrnoException): ProbeAnswer {
  const refused = error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' || error.code === 'EHOSTUNREACH'
  return refused ? { kind: 'refused' } : { kind: 'broken', why: error.message.slice(0, 100) }
}

function once<T>(act: (value: T) => void): (value: T) => void {
  let done = false
  return (value) => {
    if (done) return
    done = true
    act(value)
  }
}
