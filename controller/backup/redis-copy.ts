/**
 * A Redis that holds a copy of the state as it was at one moment. The live one hands its state out as it would to a replica
 * (redis-cli --rdb), which stops nobody; a second one on a socket of its own loads that and answers questions.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stateNotReadable } from '#core/domain/errors.ts'
import { sleep } from '#core/runtime/clock.ts'
import { run } from '#core/runtime/process.ts'
import { redisOptions } from '#core/store/connection.ts'
import { connectCopy, databaseOf } from '#core/store/copy.ts'

const COPY_MS = 30 * 60_000
const LOAD_MS = 10 * 60_000

type Redis = ReturnType<typeof connectCopy>
export type OwnRedis = { redis: Redis; url: string; stop(): Promise<void> }

/** @param folder for this alone. @throws STATE_NOT_READABLE */
export async function copyState(url: string, folder: string): Promise<OwnRedis> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, 'dump.rdb')
    const { argv, env } = copyCommand(url, file)
    await run(argv, { timeoutMs: COPY_MS, env: { ...process.env, ...env } })
    await chmod(file, 0o600)
    return await startOwnRedis(folder, { db: databaseOf(url), keeps: false })
  } catch (error) {
    throw stateNotReadable(error)
  }
}

/** The password goes by the environment: arguments are everybody's to read. */
export function copyCommand(url: string, file: string): { argv: [string, ...string[]]; env: Record<string, string> } {
  const target = redisOptions(url)
  const { username, password } = target
  const argv: [string, ...string[]] = ['redis-cli']
  if ('path' in target) argv.push('-s', target.path)
  else argv.push('-h', target.host, '-p', String(target.port), ...(target.tls === undefined ? [] : ['--tls']))
  if (username !== undefined) argv.push('--user', username)
  return {
    argv: [...argv, '--no-auth-warning', '--rdb', file],
    env: password === undefined ? {} : { REDISCLI_AUTH: password },
  }
}

/** @param keeps whether what is written there is to outlive it, as an append-only file */
export async function startOwnRedis(folder: string, { db, keeps }: { db: number; keeps: boolean }): Promise<OwnRedis> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const socket = join(folder, 'copy.sock')
  const settings = ['--port', '0', '--unixsocket', socket, '--unixsocketperm', '600', '--dir', folder, '--save', '']
  const child = spawn('redis-server', [...settings, '--appendonly', keeps ? 'yes' : 'no', '--daemonize', 'no'], {
    stdio: 'ignore',
    env: process.env,
  })
  const ended = once(child, 'exit').catch(() => {})
  const redis = connectCopy(`unix://${socket}`, db)
  const stop = async () => {
    // What it keeps it writes out before it ends.
    if (keeps) await redis.shutdown('SAVE').catch(() => {})
    redis.disconnect()
    if (!keeps) child.kill('SIGKILL')
    await ended
  }
  try {
    await untilLoaded(redis, () => child.exitCode !== null || child.signalCode !== null)
    return { redis, url: `unix://${socket}`, stop }
  } catch (error) {
    child.kill('SIGKILL')
    await stop()
    throw error
  }
}

async function untilLoaded(redis: Redis, hasEnded: () => boolean): Promise<void> {
  for (const until = Date.now() + LOAD_MS; Date.now() < until; await sleep(50)) {
    if (hasEnded()) throw new Error('redis-server ended: it could not read the copy')
    try {
      await redis.ping()
      return
    } catch {
      // Not there yet, or still loading.
    }
  }
  throw new Error('redis-server did not load the copy in time')
}
