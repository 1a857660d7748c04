/** Processes bound to a CPU: a proxy alone on one, and what loads and answers it on the other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { sleep } from '#core/runtime/clock.ts'

export const PROXY_CPU = 0
export const UPSTREAM_CPU = 1

export type Pinned = { pid: number; stop(): Promise<void> }

const START_MS = 15_000

/** Resolves when the program listens. @throws an Error with what it said when it does not */
export async function startPinned(
  cpu: number,
  argv: [string, ...string[]],
  port: number,
  env: Record<string, string> = {},
): Promise<Pinned> {
  const child = spawn('taskset', ['-c', String(cpu), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)))
  const killWithUs = () => child.kill('SIGTERM')
  process.once('exit', killWithUs)
  const exited = once(child, 'exit')
  const stop = async () => {
    process.off('exit', killWithUs)
    child.kill('SIGTERM')
    const over = new AbortController()
    const late = sleep(5_000, over.signal).then(() => child.kill('SIGKILL'))
    await exited
    over.abort()
    await late
  }
  for (const deadline = Date.now() + START_MS; !(await listens(port)); await sleep(50)) {
    if (child.exitCode === null && Date.now() < deadline) continue
    await stop()
    throw new Error(`${argv[0]} does not listen on port ${port}: ${said || 'it said nothing'}`)
  }
  return { pid: child.pid ?? 0, stop }
}

export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
