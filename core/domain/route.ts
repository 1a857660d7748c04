/** What routers need to know: which requests are whose, on what terms, and which instances take them. */
import type { AppId, AppName, InstanceId, TenantId } from './ids.ts'
import type { AppQuota, TrafficQuota } from './quota.ts'

/** One instance that takes traffic. Keyed by id and epoch, never by address alone. */
export type Endpoint = { instanceId: InstanceId; epoch: number; host: string; port: number }

/** Why an app without endpoints has none; it becomes the router's error code. */
export type AppHealth = 'serving' | 'starting' | 'crashed' | 'stopped' | 'paused' | 'suspended' | 'empty'

/**
 * Which requests are an app's: those to a host, below a path. The longest path wins, and an exact host wins over a wildcard.
 */
export type Address = {
  /** Lower case, without port and trailing dot. `*.example.com` is each name directly below `example.com`. */
  host: string
  /** `/`, or a prefix without a slash at its end, that ends where a segment ends: `/api` is `/api` and `/api/…`. */
  path: string
}

/** The terms on which the routers carry an app's requests. */
export type RouteSettings = {
  /** How an app's instances are spoken to. */
  protocol: 'http1' | 'h2c'
  /** null: no limit; bodies are streamed. */
  bodyLimitBytes: number | null
  /** From the request written to the app's first byte, and between two pieces of its response. */
  firstByteMs: number
  idleMs: number
  /** Requests in flight on one instance: above `soft` others are preferred, above `hard` requests wait. */
  concurrency: { soft: number; hard: number } | null
  /** A cookie of the router's keeps a client on its instance while that serves. */
  sticky: boolean
  /** Every request is answered 503 by the router. */
  maintenance: boolean
  /** Plain HTTP is answered with a redirect. */
  forceHttps: boolean
  access: AccessRules
  /** What the app may take of its tenant's traffic; null: all of it. */
  quota: AppQuota | null
}

/** Who may ask at all; an empty list: everyone. Both must hold where both are given. */
export type AccessRules = {
  /** CIDRs, IPv4 or IPv6. */
  allow: string[]
  /** HTTP basic authentication (RFC 7617); the digest is SHA-256 in hex of `salt:password`. */
  users: { name: string; salt: string; digest: string }[]
}

export const defaultRouteSettings: RouteSettings = {
  protocol: 'http1',
  bodyLimitBytes: null,
  firstByteMs: 30_000,
  idleMs: 60_000,
  concurrency: null,
  sticky: false,
  maintenance: false,
  forceHttps: false,
  access: { allow: [], users: [] },
  quota: null,
}

export type AppRoute = {
  appId: AppId
  name: AppName
  tenantId: TenantId
  addresses: Address[]
  settings: RouteSettings
  health: AppHealth
  endpoints: Endpoint[]
}

/** Derived from desired and reported state. */
export type RouteTable = {
  version: number
  apps: AppRoute[]
  tenants: Record<TenantId, TrafficQuota>
}

/**
 * Which table a copy holds: its number, and a digest of the changes that led to it. After Redis was set back, two tables
 * may have one number; they never have one mark.
 */
export type RouteHead = { version: number; mark: string }

export type StoredTable = RouteTable & RouteHead

/** Entries that take the place of those before them. A tenant that is null has left. */
export type RouteRows = {
  changed: AppRoute[]
  removed: AppId[]
  tenants: Record<TenantId, TrafficQuota | null>
}

/** What takes one table to the next. */
export type RouteChange = RouteRows & {
  /** The mark of the table that is changed; empty when there is none. */
  from: string
  version: number
}

/** What a router says with each heartbeat: the table it serves from, and what it still sends where. */
export type RouterReport = {
  id: string
  /** The version of the table in use: the acknowledgement that a route change waits for. */
  tableVersion: number
  /** Requests in flight per instance that is no longer in the table. */
  draining: Record<InstanceId, number>
}

export const ROUTER_LEASE_MS = 10_000
export const ROUTER_HEARTBEAT_MS = 1_000
