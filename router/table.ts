/** The route table as requests need it: by host name. */
import type { InstanceId, TenantId } from '#core/domain/ids.ts'
import { defaultTraffic, type TrafficQuota } from '#core/domain/quota.ts'
import type { AppRoute, Endpoint, RouteTable } from '#core/domain/route.ts'

export type Routes = {
  readonly version: number
  /** @param host as `normaliseHost` gives it */
  find(host: string): AppRoute | null
  quotaOf(tenant: TenantId): TrafficQuota
  hasInstance(id: InstanceId): boolean
  hasEndpoint(key: string): boolean
}

/** An address may be another instance's tomorrow, and an instance may move: only both together name an endpoint. */
export const endpointKey = (endpoint: Pick<Endpoint, 'instanceId' | 'epoch'>): string =>
  `${endpoint.instanceId}:${endpoint.epoch}`

export const emptyTable: RouteTable = { version: 0, apps: [], tenants: {} }

export function indexTable(table: RouteTable): Routes {
  const byHost = new Map<string, AppRoute>()
  const instances = new Set<InstanceId>()
  const endpoints = new Set<string>()
  for (const app of table.apps) {
    for (const { host } of app.addresses) byHost.set(host, app)
    for (const endpoint of app.endpoints) {
      instances.add(endpoint.instanceId)
      endpoints.add(endpointKey(endpoint))
    }
  }
  return {
    version: table.version,
    find: (host) => byHost.get(host) ?? null,
    quotaOf: (tenant) => (Object.hasOwn(table.tenants, tenant) ? table.tenants[tenant] : undefined) ?? defaultTraffic,
    hasInstance: (id) => instances.has(id),
    hasEndpoint: (key) => endpoints.has(key),
  }
}

/**
 * A Host field's name alone, in the one spelling that is compared: lower case, without port, without the trailing dot of a
 * fully qualified name (RFC 9110 §4.2.3, RFC 1034 §3.1). Brackets of an IPv6 address stay.
 */
export function normaliseHost(host: string): string {
  if (isNormal(host)) return host
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name
}

/** Most hosts are, and looking is cheaper than making them so. */
function isNormal(host: string): boolean {
  for (let i = 0; i < host.length; i += 1) {
    const code = host.charCodeAt(i)
    if (code === COLON || (code >= UPPER_A && code <= UPPER_Z)) return false
  }
  return host.charCodeAt(host.length - 1) !== DOT
}

const COLON = 0x3a
const UPPER_A = 0x41
const UPPER_Z = 0x5a
const DOT = 0x2e

/** Whether a host is an address or `localhost`: what a load balancer or an operator uses, and no tenant's app has. */
export const isOwnHost = (host: string): boolean =>
  host === 'localhost' || /^(\d{1,3}\.){3}\d{1,3}$/.test(host) || host.startsWith('[')
