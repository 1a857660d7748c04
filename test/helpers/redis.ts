/** A real Redis of one's own: in a temporary folder, on a unix socket, without a file to remember anything in. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { sleep } from '#core/runtime/clock.ts'

export type TestRedis = { url: string; stop(): Promise<void> }

const START_MS = 10_000

/**
 * @param at where another one listened, to be its successor after an outage; empty, as every new one is
 * @throws an Error with what redis-server said when it does not answer in time
 */
export async function startRedis(at?: string): Promise<TestRedis> {
  const path =
    at === undefined ? join(await mkdtemp(join(tmpdir(), 'berth-redis-')), 'redis.sock') : at.slice('unix://'.length)
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  const settings = [
    '--port',
    '0',
    '--unixsocket',
    path,
    '--appendonly',
    'no',
    '--save',
    '',
    '--dir',
    folder,
    '--repl-diskless-sync-delay',
    '0',
  ]
  const child = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const exited = once(child, 'exit').catch((error: unknown) => (said += String(error)))
  // A test run that dies must not leave its Redis behind.
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)

  const stop = async () => {
    process.off('exit', killWithUs)
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_MS
  while (!(await answers(path))) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop()
      throw new Error(`redis-server did not start: ${said.slice(-500) || 'it said nothing'}`)
    }
    await sleep(20)
  }
  return { url: `unix://${path}`, stop }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path }, () => socket.write('PING\r\n'))
    const settle = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('data', (data) => settle(data.toString().startsWith('+PONG')))
    socket.once('error', () => settle(false))
    socket.once('close', () => resolve(false))
  })
}
