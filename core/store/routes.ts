/**
 * The stored route table: a row for each app and each tenant, a head that names the table, and a log of the last changes.
 * Whoever needs the table keeps a copy, and has it brought up to date by what changed.
 */
import { hash } from 'node:crypto'
import type { AppId, TenantId } from '../domain/ids.ts'
import type { TrafficQuota } from '../domain/quota.ts'
import {
  defaultRouteSettings,
  ROUTER_LEASE_MS,
  type AppRoute,
  type RouteChange,
  type RouteHead,
  type RouterReport,
  type RouteRows,
  type RouteSettings,
  type RouteTable,
  type StoredTable,
} from '../domain/route.ts'
import { announce, pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** The log answers who was away for a moment; who was away for longer reads the table. */
const KEEP_CHANGES = 1_000
const LOGGED_BYTES = 64 * 1024
/** Of the log, in one answer. */
const CHANGES_AT_ONCE = 8
/** Parsing so many takes a router about 2 ms, in which it carries no request. */
const ROWS_AT_ONCE = 300

/** A copy of the table that its owner can search as it likes. */
export type RouteCopy = {
  readonly head: RouteHead
  /** Takes rows in. Called with rows of a whole table piece by piece, and with changes, each of which ends at a table. */
  merge(rows: RouteRows, head: RouteHead): void
}

/** @returns false when another table is stored than the one that the change was made on */
export async function putChange(store: Store, change: RouteChange): Promise<boolean> {
  const text = pack({ ...change, changed: change.changed.map(toRow) })
  const { changed, removed, tenants } = change
  const quotas = Object.entries(tenants)
  const changedQuotas = quotas.filter(([, quota]) => quota !== null)
  const put = await store.putRoutes(
    keys.routes,
    keys.appRoutes,
    keys.routeTenants,
    keys.routeChanges,
    change.from,
    change.version,
    hash('sha256', text).slice(0, 32),
    text.length > LOGGED_BYTES ? '' : text,
    KEEP_CHANGES,
    changed.length,
    removed.length,
    changedQuotas.length,
    quotas.length - changedQuotas.length,
    // Lists, because a call takes no more than some 100,000 arguments.
    changed.flatMap((route) => [route.appId, pack(toRow(route))]),
    removed,
    changedQuotas.flatMap(([id, quota]) => [id, pack(quota)]),
    quotas.filter(([, quota]) => quota === null).map(([id]) => id),
  )
  if (put !== 1) return false
  await announce(store, 'routes')
  return true
}

/**
 * Puts a whole table in the place of the stored one.
 * @returns false when a table as new is stored already
 */
export async function putRoutes(store: Store, table: RouteTable): Promise<boolean> {
  const stored = await loadRoutes(store)
  const kept = new Set(table.apps.map(({ appId }) => appId))
  const left = Object.keys(stored?.tenants ?? {}).filter((id) => !Object.hasOwn(table.tenants, id))
  return putChange(store, {
    from: stored?.mark ?? '',
    version: table.version,
    changed: table.apps,
    removed: (stored?.apps ?? []).map(({ appId }) => appId).filter((id) => !kept.has(id)),
    tenants: { ...table.tenants, ...Object.fromEntries(left.map((id) => [id, null])) },
  })
}

/** The table as it is stored now; null when there is none. */
export const loadRoutes = async (store: Store): Promise<StoredTable | null> =>
  (await catchUp<PlainCopy>(store, null, () => new PlainCopy()))?.table() ?? null

/** Reads the table again and again, and each time fetches only what changed. */
export function createRouteReader(store: Store): { load(): Promise<StoredTable | null> } {
  let held: PlainCopy | null = null
  return {
    async load() {
      held = await catchUp<PlainCopy>(store, held, () => new PlainCopy())
      return held?.table() ?? null
    },
  }
}

/**
 * Brings a copy up to date. One that the log does not continue is given up for another, which is built aside.
 * @param held null when there is no copy yet
 * @returns the copy that is up to date, or null when nothing is stored
 */
export async function catchUp<Copy extends RouteCopy>(
  store: Store,
  held: Copy | null,
  fresh: () => Copy,
): Promise<Copy | null> {
  if (held && (await follow(store, held))) return held
  for (;;) {
    const head = await loadHead(store)
    if (head === null) return null
    const copy = fresh()
    await readAll(store, copy, head)
    // What changed while it was read is in the log, and may be in the rows already: taken in once more it is the same.
    if (await follow(store, copy)) return copy
  }
}

/** Takes in what changed since the copy's table. @returns false when the log does not go on from there */
async function follow(store: Store, copy: RouteCopy): Promise<boolean> {
  for (;;) {
    const { head, changes } = await loadNews(store, copy.head.version)
    if (head?.mark === copy.head.mark) return true
    if (head === null || changes.length === 0) return false
    for (const { change, mark } of changes) {
      if (change.from !== copy.head.mark) return false
      copy.merge(change, { version: change.version, mark })
    }
  }
}

async function loadNews(
  store: Store,
  since: number,
): Promise<{ head: RouteHead | null; changes: { change: RouteChange; mark: string }[] }> {
  // Together, so that a head is never newer than the log that was read with it.
  const answers = await store
    .multi()
    .hmget(keys.routes, 'version', 'mark')
    .xrange(keys.routeChanges, `(${since}-1`, '+', 'COUNT', CHANGES_AT_ONCE)
    .exec()
  const [head, entries] = (answers ?? []).map(([error, answer]) => {
    if (error) throw error
    return answer
  })
  const changes = (entries as [string, string[]][]).map(([, [, mark = '', , change = '']]) => ({
    mark,
    change: toChange(JSON.parse(change) as StoredChange),
  }))
  return { head: toHead(head as (string | null)[]), changes }
}

const loadHead = async (store: Store): Promise<RouteHead | null> =>
  toHead(await store.hmget(keys.routes, 'version', 'mark'))

/** A table of an earlier format has no mark, and counts as none. */
const toHead = ([version, mark]: (string | null)[]): RouteHead | null =>
  version && mark ? { version: Number(version), mark } : null

async function readAll(store: Store, copy: RouteCopy, head: RouteHead): Promise<void> {
  for await (const rows of scan<TrafficQuota>(store, keys.routeTenants))
    copy.merge({ changed: [], removed: [], tenants: Object.fromEntries(rows) }, head)
  for await (const rows of scan<Row>(store, keys.appRoutes))
    copy.merge({ changed: rows.map(([, row]) => fromRow(row)), removed: [], tenants: {} }, head)
  copy.merge({ changed: [], removed: [], tenants: {} }, head)
}

/** An app's route as it is stored. Most apps have the usual settings: those are left out, and are one object in a copy. */
type Row = Omit<AppRoute, 'settings'> & { settings?: RouteSettings }
type StoredChange = Omit<RouteChange, 'changed'> & { changed: Row[] }

const usual = pack(defaultRouteSettings)

function toRow({ settings, ...row }: AppRoute): Row {
  return settings === defaultRouteSettings || pack(settings) === usual ? row : { ...row, settings }
}

/** The row itself, completed: of 100,000, copies would cost more than all else. */
function fromRow(row: Row): AppRoute {
  row.settings ??= defaultRouteSettings
  return row as AppRoute
}

const toChange = (stored: StoredChange): RouteChange => ({ ...stored, changed: stored.changed.map(fromRow) })

/** Every row that is there throughout, some of them twice. */
async function* scan<T>(store: Store, key: string): AsyncGenerator<[id: string, row: T][]> {
  let cursor = '0'
  do {
    const [next, found] = await store.hscan(key, cursor, 'COUNT', ROWS_AT_ONCE)
    cursor = next
    const rows: [string, T][] = []
    for (let at = 0; at < found.length; at += 2) rows.push([found[at] ?? '', JSON.parse(found[at + 1] ?? '') as T])
    yield rows
  } while (cursor !== '0')
}

class PlainCopy implements RouteCopy {
  head: RouteHead = { version: 0, mark: '' }
  #apps = new Map<AppId, AppRoute>()
  #tenants = new Map<TenantId, TrafficQuota>()
  #table: StoredTable | null = null

  merge({ changed, removed, tenants }: RouteRows, head: RouteHead): void {
    for (const id of removed) this.#apps.delete(id)
    for (const route of changed) this.#apps.set(route.appId, route)
    for (const [id, quota] of Object.entries(tenants) as [TenantId, TrafficQuota | null][]) {
      if (quota === null) this.#tenants.delete(id)
      else this.#tenants.set(id, quota)
    }
    this.head = head
    this.#table = null
  }

  table(): StoredTable {
    return (this.#table ??= {
      ...this.head,
      apps: [...this.#apps.values()],
      tenants: Object.fromEntries(this.#tenants),
    })
  }
}

/** Renews the router's lease and says which table it serves from. @param acknowledge tell the reconciler at once */
export async function reportRouter(store: Store, report: RouterReport, acknowledge: boolean): Promise<void> {
  await store
    .multi()
    .sadd(keys.routers, report.id)
    .set(keys.router(report.id), pack(report), 'PX', ROUTER_LEASE_MS)
    .exec()
  if (acknowledge) await announce(store, 'acknowledged')
}

export async function removeRouter(store: Store, id: string): Promise<void> {
  await store.multi().srem(keys.routers, id).del(keys.router(id)).exec()
  await announce(store, 'acknowledged')
}

/** The routers whose lease holds. */
export async function loadRouters(store: Store): Promise<RouterReport[]> {
  const ids = await store.smembers(keys.routers)
  if (ids.length === 0) return []
  const rows = await store.mget(ids.map((id) => keys.router(id)))
  return rows.map((row) => unpack<RouterReport>(row)).filter((router) => router !== null)
}
