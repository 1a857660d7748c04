/** The router as operators run it: the executable with its workers, a Redis, and clients that never keep a connection. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { sleep } from '#core/runtime/clock.ts'

const MAIN = fileURLToPath(new URL('../../router/main.ts', import.meta.url))

export type RouterProcess = {
  child: ChildProcess
  /** The worker processes that live now. */
  workers(): Promise<number[]>
  /** All that it and its workers said. */
  output(): string
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>
}

export type RouterProcessOptions = {
  redisUrl: string
  port: number
  httpsPort: number
  env?: Record<string, string>
  nodeOptions?: string[]
  /** The CPU to which it and its workers are bound. */
  cpu?: number
}

/** @throws an Error with what it said when it does not come up */
export async function startRouterProcess(options: RouterProcessOptions): Promise<RouterProcess> {
  const { redisUrl, port, httpsPort, env = {}, nodeOptions = [], cpu } = options
  const [program = '', ...args] = [
    ...(cpu === undefined ? [] : ['taskset', '-c', String(cpu)]),
    process.execPath,
    '--max-semi-space-size=2',
    ...nodeOptions,
    MAIN,
  ]
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      BERTH_REDIS_URL: redisUrl,
      BERTH_HTTP_ADDRESS: '127.0.0.1',
      BERTH_HTTP_PORT: String(port),
      BERTH_HTTPS_PORT: String(httpsPort),
      BERTH_ROUTER_SETTLE: '0',
      BERTH_LOG_LEVEL: 'warn',
      ...env,
    },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-50_000)))
  // A test run that dies must not leave it behind; its workers end with it.
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const exited = once(child, 'exit').then(() => process.off('exit', killWithUs))
  const up = await Promise.race([once(child, 'message').then(() => true), exited.then(() => false)])
  if (!up) throw new Error(`the router ended with ${child.exitCode ?? child.signalCode}: ${said}`)
  return {
    child,
    output: () => said,
    workers: () => childrenOf(child.pid ?? 0),
    async stop() {
      child.kill('SIGTERM')
      await exited
      return child.exitCode
    },
  }
}

/** proc(5), /proc/pid/task/tid/children. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.trim().split(/\s+/).filter(Boolean).map(Number)
}

export type Knocking = {
  /** Whole answers so far. */
  answered(): number
  /** What became of the others, and how often. */
  failures(): Record<string, number>
  stop(): Promise<void>
}

/**
 * Clients that ask one request on each of ever new connections, one after the other.
 *
 * @param pauseMs of each client between two; without one they take all of the processor that there is
 */
export function knock(port: number, host: string, clients: number, pauseMs = 0): Knocking {
  let over = false
  let answered = 0
  const failures: Record<string, number> = {}
  const loops = Array.from({ length: clients }, async () => {
    while (!over) {
      const failure = await askOnce(port, host)
      if (failure === null) answered += 1
      else failures[failure] = (failures[failure] ?? 0) + 1
      if (pauseMs > 0) await sleep(pauseMs)
    }
  })
  return {
    answered: () => answered,
    failures: () => failures,
    async stop() {
      over = true
      await Promise.all(loops)
    },
  }
}

/** @returns null after a 200 that the router ended as it should; else what happened */
function askOnce(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    let text = ''
    let error: string | null = null
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code ?? cause.message))
    socket.on('close', () =>
      resolve(
        error ??
          (text.startsWith('HTTP/1.1 200 ')
            ? null
            : /Berth-Error: .*/.exec(text)?.[0] || text.slice(0, 80) || 'closed'),
      ),
    )
  })
}
