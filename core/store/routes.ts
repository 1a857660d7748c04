import { ROUTER_LEASE_MS, type RouterReport, type RouteTable } from '../domain/route.ts'
import { announce, pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** @returns false when a table as new is stored already */
export async function putRoutes(store: Store, table: RouteTable): Promise<boolean> {
  const put = (await store.putRoutes(keys.routes, table.version, pack(table))) === 1
  if (put) await announce(store, 'routes')
  return put
}

export async function loadRoutes(store: Store): Promise<RouteTable | null> {
  return unpack<RouteTable>(await store.hget(keys.routes, 'table'))
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
