/** Asks an instance whether it is ready, from the host, over the instance's own network: nothing is needed inside it. */
import { request } from 'node:http'
import type { ProbeAnswer } from './health.ts'

const PROBE_TIMEOUT_MS = 5000

/** One `GET /`. Never throws: whatever the app does is an answer. */
export function probe(host: string, port: number): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const asked = request({
      host,
      port,
      path: '/',
      method: 'GET',
      agent: false,
      timeout: PROBE_TIMEOUT_MS,
      headers: { 'user-agent': 'Berth-Probe', connection: 'close' },
    })
    asked.once('response', (response) => {
      response.destroy()
      resolve({ kind: 'answered', status: response.statusCode ?? 0 })
    })
    asked.once('timeout', () => {
      resolve({ kind: 'silent' })
      asked.destroy()
    })
    asked.once('error', (error: NodeJS.ErrnoException) => {
      const refused = error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' || error.code === 'EHOSTUNREACH'
      resolve(refused ? { kind: 'refused' } : { kind: 'broken', why: error.message.slice(0, 100) })
    })
    asked.end()
  })
}
