/** The connection to Redis, and the Lua commands on it. */
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import type { Channel } from '../contract/events.ts'
import { keys } from './keys.ts'

/** One transition per file; see the header of each for keys, arguments, results and the guarantee. */
const commands = {
  createApp: 3,
  setFormation: 3,
  appendEvent: 3,
  appendLogs: 3,
  createRelease: 3,
  restartApp: 1,
  assignInstance: 3,
  changeDesired: 1,
  reportInstance: 1,
  reportBuild: 1,
  saveDeploy: 3,
  cancelDeploy: 3,
  reportStack: 1,
  forgetInstance: 5,
  countRequests: 1,
  createRun: 6,
  placeRun: 4,
  stopRun: 1,
  endRun: 2,
  promoteRelease: 1,
  advanceCron: 2,
  recordUsage: 7,
  reportStats: 1,
  holdLease: 1,
  putCertificate: 4,
  removeCertificate: 4,
  raiseCertificates: 1,
  shareTraffic: 1,
  putRoutes: 4,
  putDomain: 5,
  removeDomains: 2,
  wantLayer: 2,
  takeLayer: 2,
  createUser: 4,
  setMember: 3,
  changeUser: 1,
  queueDelivery: 6,
  settleDelivery: 6,
  appendAudit: 3,
  takeApiCall: 1,
  removeHost: 6,
  forgetDelivery: 2,
} as const

type Commands = { [name in keyof typeof commands]: (...args: (string | number | string[])[]) => Promise<unknown> }
export type Store = Redis & Commands

/** Commands that go out together, in order. */
export type Batch = { [name in keyof Commands]: (...args: (string | number)[]) => Batch } & {
  /** @throws the first failure; what came before it was done */
  run(): Promise<void>
}

export function batch(store: Store): Batch {
  const pipeline = store.pipeline() as unknown as Batch & { exec(): Promise<[Error | null, unknown][] | null> }
  pipeline.run = async () => {
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
  }
  return pipeline
}

type Login = { username?: string; password?: string }
type RedisTarget = Login & ({ path: string } | { host: string; port: number; db?: number; tls?: object })

/** `unix:///path` or `unix://user:password@/path` → a socket; anything else is a URL as others have them. */
export function redisOptions(url: string): RedisTarget {
  const [, user, word, path] = /^unix:\/\/(?:([^:@/]*):([^@/]*)@)?(.*)$/.exec(url) ?? []
  if (path !== undefined)
    return {
      path,
      ...(user ? { username: decodeURIComponent(user) } : {}),
      ...(word ? { password: decodeURIComponent(word) } : {}),
    }
  const { hostname, port, username, password, pathname, protocol } = new URL(url)
  return {
    host: hostname,
    port: port === '' ? 6379 : Number(port),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(pathname.length > 1 ? { db: Number(pathname.slice(1)) } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  }
}

/** The same Redis, as another user. @param url names none */
export const asUser = (url: string, { user, password }: StoreLogin): string =>
  url.replace('://', () => `://${encodeURIComponent(user)}:${encodeURIComponent(password)}@`)

export type StoreLogin = { user: string; password: string }

const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 5), 1000)

/**
 * For one's own reads and writes. While Redis is away, a call fails after about five seconds instead of waiting for ever,
 * so that no one is told "accepted" about something that is only in a buffer.
 */
export function connectStore(url: string): Store {
  const redis = new Redis({ ...redisOptions(url), retryStrategy, maxRetriesPerRequest: 6, lazyConnect: false })
  for (const [name, numberOfKeys] of Object.entries(commands)) {
    redis.defineCommand(name, {
      numberOfKeys,
      lua: readFileSync(new URL(`commands/${name}.lua`, import.meta.url), 'utf8'),
    })
  }
  // Reconnecting is ioredis's work; each failed call says so to its caller.
  redis.on('error', () => {})
  return redis as Store
}

/** For BullMQ and for blocking reads, which must wait through an outage (BullMQ requires `maxRetriesPerRequest: null`). */
export function connectPatient(url: string): Redis {
  const redis = new Redis({ ...redisOptions(url), retryStrategy, maxRetriesPerRequest: null })
  redis.on('error', () => {})
  return redis
}

export type Subscription = { stop(): Promise<void> }

/** Calls `onMessage` for each announcement, and once after every (re)connect, since announcements may have been missed. */
export function subscribe(url: string, channels: Channel[], onMessage: (channel: Channel) => void): Subscription {
  const redis = new Redis({ ...redisOptions(url), retryStrategy, maxRetriesPerRequest: null, autoResubscribe: false })
  redis.on('error', () => {})
  redis.on('ready', () => {
    redis.subscribe(...channels.map((name) => keys.channel(name))).then(
      () => channels.forEach(onMessage),
      () => {},
    )
  })
  redis.on('message', (full: string) => {
    const channel = channels.find((name) => keys.channel(name) === full)
    if (channel) onMessage(channel)
  })
  return {
    stop() {
      redis.disconnect()
      return Promise.resolve()
    },
  }
}

export async function announce(store: Store, channel: Channel): Promise<void> {
  await store.publish(keys.channel(channel), '1')
}

export const pack = (value: unknown): string => JSON.stringify(value)
/** Records are written by Berth alone and validated before that, so reading one back only restores its type. */
export const unpack = <T>(text: string | null | undefined): T | null => (text ? (JSON.parse(text) as T) : null)
