/** Finds what a path names, for the caller that names it. What belongs to others is answered like what does not exist. */
import type { Request } from 'express'
import type { App } from '#core/domain/app.ts'
import { notFound } from '#core/domain/errors.ts'
import { isId, type AppName, type TenantId } from '#core/domain/ids.ts'
import { findApp } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { callerOf, mayReach, type Caller } from './auth.ts'
import { param } from './routes.ts'

/** @throws NOT_FOUND */
export async function appOf(req: Request, store: Store): Promise<App> {
  return findAppFor(callerOf(req), store, param(req, 'app'))
}

/** @throws NOT_FOUND */
export async function findAppFor(caller: Caller, store: Store, name: string): Promise<App> {
  const app = isId(name) ? await findApp(store, name as AppName) : null
  if (!app || !mayReach(caller, app.tenantId)) throw notFound('app', name)
  return app
}

/** @throws NOT_FOUND */
export function tenantOf(req: Request): TenantId {
  const name = param(req, 'tenant')
  if (!isId(name) || !mayReach(callerOf(req), name as TenantId)) throw notFound('tenant', name)
  return name as TenantId
}
