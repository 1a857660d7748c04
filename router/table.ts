/** The route table as requests need it: by host name and path. It takes changes in as they come. */
import type { AppId, InstanceId, TenantId } from '#core/domain/ids.ts'
import { defaultTraffic, type TrafficQuota } from '#core/domain/quota.ts'
import type { Address, AppRoute, Endpoint, RouteHead, RouteRows, RouteTable } from '#core/domain/route.ts'
import { SplitMap } from './split-map.ts'

export type Routes = {
  readonly version: number
  /**
   * Whose request it is: an exact host before a wildcard, the longest path first. A path is compared as the bytes it
   * came as: what an app makes of `%2f`, `//` and `..` is unknown here, and all apps of one host are one tenant's.
   * @param host as `normaliseHost` gives it
   * @param path of the request target, with or without its query
   */
  find(host: string, path: string): AppRoute | null
  quotaOf(tenant: TenantId): TrafficQuota
  hasInstance(id: InstanceId): boolean
  hasEndpoint(key: string): boolean
}

/** An address may be another instance's tomorrow, and an instance may move: only both together name an endpoint. */
export const endpointKey = (endpoint: Pick<Endpoint, 'instanceId' | 'epoch'>): string =>
  `${endpoint.instanceId}:${endpoint.epoch}`

export const emptyTable: RouteTable = { version: 0, apps: [], tenants: {} }

export function indexTable({ version, apps, tenants }: RouteTable): RouteIndex {
  const index = new RouteIndex()
  index.merge({ changed: apps, removed: [], tenants }, { version, mark: '' })
  return index
}

/** One app's claim on the requests to a host below a path. */
type Claim = { path: string; route: AppRoute }

export class RouteIndex implements Routes {
  head: RouteHead = { version: 0, mark: '' }
  #apps = new SplitMap<AppId, AppRoute>()
  #tenants = new SplitMap<TenantId, TrafficQuota>()
  /** By host, the longest path first. */
  #exact = new SplitMap<string, Claim[]>()
  /** By what follows `*.`. */
  #wildcards = new SplitMap<string, Claim[]>()
  /** The epochs at which an instance is there, one for each time that it is. */
  #epochs = new SplitMap<InstanceId, number[]>()

  get version(): number {
    return this.head.version
  }

  get size(): number {
    return this.#apps.size
  }

  find(host: string, path: string): AppRoute | null {
    const exact = this.#exact.get(host)
    const found = exact === undefined ? null : longest(exact, path)
    if (found !== null || this.#wildcards.size === 0) return found
    const below = this.#wildcards.get(host.slice(host.indexOf('.') + 1))
    // `*.example.com` is not `.example.com`, nor `example.com` itself.
    return below === undefined || host.indexOf('.') < 1 ? null : longest(below, path)
  }

  quotaOf(tenant: TenantId): TrafficQuota {
    return this.#tenants.get(tenant) ?? defaultTraffic
  }

  hasInstance(id: InstanceId): boolean {
    return this.#epochs.has(id)
  }

  hasEndpoint(key: string): boolean {
    const colon = key.lastIndexOf(':')
    return this.#epochs.get(key.slice(0, colon) as InstanceId)?.includes(Number(key.slice(colon + 1))) ?? false
  }

  /** All of it or nothing, as a request sees it: nothing else runs meanwhile. */
  merge({ changed, removed, tenants }: RouteRows, head: RouteHead): void {
    for (const id of removed) this.#drop(id)
    for (const route of changed) this.#add(route)
    for (const [id, quota] of Object.entries(tenants) as [TenantId, TrafficQuota | null][]) {
      if (quota === null) this.#tenants.delete(id)
      else this.#tenants.set(id, quota)
    }
    this.head = head
  }

  #add(route: AppRoute): void {
    this.#drop(route.appId)
    this.#apps.set(route.appId, route)
    for (const address of route.addresses) {
      const { claims, name } = this.#placeOf(address)
      const before = claims.get(name)
      const claim = { path: address.path, route }
      if (before === undefined) claims.set(name, [claim])
      else claims.set(name, [...before, claim].sort(longestFirst))
    }
    for (const { instanceId, epoch } of route.endpoints) {
      const before = this.#epochs.get(instanceId)
      this.#epochs.set(instanceId, before === undefined ? [epoch] : [...before, epoch])
    }
  }

  #drop(id: AppId): void {
    const route = this.#apps.get(id)
    if (route === undefined) return
    this.#apps.delete(id)
    for (const address of route.addresses) {
      const { claims, name } = this.#placeOf(address)
      const rest = (claims.get(name) ?? []).filter((claim) => claim.route !== route)
      if (rest.length === 0) claims.delete(name)
      else claims.set(name, rest)
    }
    for (const { instanceId, epoch } of route.endpoints) {
      const rest = without(this.#epochs.get(instanceId) ?? [], epoch)
      if (rest.length === 0) this.#epochs.delete(instanceId)
      else this.#epochs.set(instanceId, rest)
    }
  }

  #placeOf({ host }: Address): { claims: SplitMap<string, Claim[]>; name: string } {
    return host.startsWith('*.')
      ? { claims: this.#wildcards, name: host.slice(2) }
      : { claims: this.#exact, name: host }
  }
}

function longest(claims: Claim[], path: string): AppRoute | null {
  for (const claim of claims) if (isBelow(path, claim.path)) return claim.route
  return null
}

/** `/api` is `/api`, `/api?…` and `/api/…`, and not `/apis`. Every request target is below `/`, `*` (RFC 9112 §3.2.4) too. */
function isBelow(path: string, prefix: string): boolean {
  if (prefix === '/') return true
  if (!path.startsWith(prefix)) return false
  const next = path[prefix.length]
  return next === undefined || next === '/' || next === '?'
}

/** For a moment, while an address moves, two apps may have it: every router chooses the same one. */
const longestFirst = (a: Claim, b: Claim): number =>
  b.path.length - a.path.length || (a.route.appId < b.route.appId ? -1 : 1)

/** Less one of a value. */
function without(values: number[], value: number): number[] {
  const at = values.indexOf(value)
  return at === -1 ? values : [...values.slice(0, at), ...values.slice(at + 1)]
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
