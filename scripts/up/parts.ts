/** The processes of a Berth on one machine, as data, in the order of their start. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '#core/runtime/config.ts'
import { aclPath } from './store-users.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type Part = {
  name: 'redis' | 'controller' | 'agent' | 'router'
  argv: [string, ...string[]]
  /** How it is known to be ready: it says so, or its socket answers. */
  ready: { kind: 'message' } | { kind: 'socket'; path: string }
  /** A folder to make first, for the process alone. */
  folder?: string
  /** Beside what all parts have. */
  env?: Record<string, string>
  /** How long it may take to end before it is killed. */
  stopMs: number
}

/** A burst of starts leaves a large young generation behind, for good: memory that apps could have (docs/PERFORMANCE.md). */
const SMALL_HEAP = '--max-semi-space-size=2'

/**
 * Where Node keeps what it made of the source: a process that finds it there needs no compiler for TypeScript, which is 28 MB of
 * memory and half of its start (docs/PERFORMANCE.md). Root's alone, like all of the folder: what lies there is run.
 */
export const compiled = ({ cache }: Config) => ({ NODE_COMPILE_CACHE: join(cache, 'compiled') })

export function partsOf(config: Config): Part[] {
  const env = compiled(config)
  const node = (...args: string[]): [string, ...string[]] => [process.execPath, ...args]
  return [
    ...(config.redisEmbedded ? [withUsers(redisPart(join(config.home, 'redis')), config.home)] : []),
    {
      name: 'controller',
      argv: node(SMALL_HEAP, join(ROOT, 'controller/main.ts')),
      env,
      ready: { kind: 'message' },
      stopMs: 15_000,
    },
    {
      name: 'agent',
      argv: node(SMALL_HEAP, join(ROOT, 'agent/main.ts')),
      env,
      ready: { kind: 'message' },
      stopMs: 15_000,
    },
    {
      name: 'router',
      argv: node(SMALL_HEAP, join(ROOT, 'router/main.ts')),
      env,
      ready: { kind: 'message' },
      stopMs: 20_000 + config.routerSettleMs,
    },
  ]
}

/** Nothing that was acknowledged is evicted (noeviction) or lost with the process (append-only file). */
export function redisPart(folder: string): Part {
  const socket = join(folder, 'redis.sock')
  return {
    name: 'redis',
    argv: [
      'redis-server',
      '--port',
      '0',
      '--unixsocket',
      socket,
      '--unixsocketperm',
      '600',
      '--dir',
      folder,
      '--appendonly',
      'yes',
      '--appendfsync',
      'everysec',
      '--save',
      '',
      '--maxmemory-policy',
      'noeviction',
      // A backup is a replica for a moment, and no second one is worth waiting for.
      '--repl-diskless-sync-delay',
      '0',
      '--daemonize',
      'no',
    ],
    ready: { kind: 'socket', path: socket },
    folder,
    stopMs: 10_000,
  }
}

/** Whoever connects says who it is: see store-users.ts. */
function withUsers(redis: Part, home: string): Part {
  return { ...redis, argv: [...redis.argv, '--aclfile', aclPath(home)] }
}

/** Ends everything that the host still runs, whatever became of its agent. */
export const teardownCommand = (): [string, ...string[]] => [
  process.execPath,
  join(ROOT, 'agent/main.ts'),
  '--teardown',
]
