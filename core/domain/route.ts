import type { AppId, AppName, InstanceId, TenantId } from './ids.ts'
import type { RequestRate } from './quota.ts'

/** One instance that takes traffic. Keyed by id and epoch, never by address alone. */
export type Endpoint = { instanceId: InstanceId; epoch: number; host: string; port: number }

/** Why an app without endpoints has none; it becomes the router's error code. */
export type AppHealth = 'serving' | 'starting' | 'crashed' | 'stopped' | 'paused' | 'suspended' | 'empty'

export type AppRoute = {
  appId: AppId
  name: AppName
  tenantId: TenantId
  /** Host names, lower case, without port and trailing dot. */
  hosts: string[]
  health: AppHealth
  endpoints: Endpoint[]
}

/** Derived from desired and reported state, swapped whole. */
export type RouteTable = {
  version: number
  apps: AppRoute[]
  rates: Record<TenantId, RequestRate>
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
