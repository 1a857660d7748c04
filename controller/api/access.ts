/** Finds what a path names, for the caller that names it. What belongs to others is answered like what does not exist. */
import type { Request } from 'express'
import { operations, type Operation } from '#core/contract/operations/index.ts'
import { homeOf, judge, lacking, nothing, sees, type Caller, type Target } from '#core/domain/access.ts'
import type { App } from '#core/domain/app.ts'
import { badRequest, forbidden, notFound, tenantSuspended } from '#core/domain/errors.ts'
import { isId, type AppName, type TenantId } from '#core/domain/ids.ts'
import { DEFAULT_TENANT, suspensionOf } from '#core/domain/quota.ts'
import { findApp } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { noteOperation, noteTarget } from '../audit/record.ts'
import { callerOf, stopWatching } from './auth.ts'
import { param } from './routes.ts'

export type Admit = (req: Request) => Promise<void>

/**
 * What each call of an operation passes first. Handlers find what the path names by appOf and tenantOf, and need not ask who
 * calls.
 * @param route `GET /apps/:app`
 * @throws when the operation is not declared; so does nothing start that nobody decided on
 */
export function admitTo(route: string, store: Store): Admit {
  const operation: Operation | undefined = operations[route as keyof typeof operations]
  if (!operation) throw new Error(`${route} is not declared in core/contract/operations`)
  if (operation.need === 'public')
    return (req) => {
      noteOperation(req, route)
      return Promise.resolve()
    }
  return async (req) => {
    const caller = callerOf(req)
    noteOperation(req, route)
    const target = await targetIn(req, operation, store)
    await noteTarget(req, target, appIn(req, target), store)
    requireMay(caller, operation, target)
    if (operation.personal) stopWatching(req)
    const changes = req.method !== 'GET' && req.method !== 'HEAD' && !operation.personal
    if (changes) await refuseSuspended(caller, target.tenantId ?? homeOf(caller), store)
  }
}

const appIn = (req: Request, { appId }: Target) => (appId === null ? null : (param(req, 'app') as AppName))

async function targetIn(req: Request, { need }: Operation, store: Store): Promise<Target> {
  if (need.startsWith('app:')) {
    const app = await appOf(req, store)
    admitted.set(req, app)
    return targetOf(app)
  }
  return need.startsWith('tenant:') ? { tenantId: tenantOf(req), appId: null } : nothing
}

/** Members of a suspended tenant may look at all that is theirs, and change nothing. @throws TENANT_SUSPENDED */
export async function refuseSuspended(caller: Caller, tenantId: TenantId | null, store: Store): Promise<void> {
  if (caller.kind === 'operator' || tenantId === null) return
  const tenant = await loadTenant(store, tenantId)
  const suspension = tenant && suspensionOf(tenant)
  if (suspension) throw tenantSuspended(tenantId, suspension.reason)
}

/** For what is not under /v1. @throws FORBIDDEN */
export function requireOperator(req: Request, what: string): void {
  if (judge(callerOf(req), 'platform:read') !== 'allowed') throw forbidden(`${what} needs an operator's token`)
}

/** @throws FORBIDDEN; NOT_FOUND for what is hidden from the caller */
function requireMay(caller: Caller, { need, summary }: Operation, target: Target): void {
  const verdict = judge(caller, need, target)
  if (verdict === 'hidden') throw notFound('page', summary)
  if (verdict === 'forbidden') throw forbidden(`“${summary}” needs ${lacking(caller, need)}`)
}

/** The app that a call was admitted to: for the first that asks, right after, and not for who asks again after a change. */
const admitted = new WeakMap<Request, App>()

/** @throws NOT_FOUND */
export async function appOf(req: Request, store: Store): Promise<App> {
  const known = admitted.get(req)
  admitted.delete(req)
  return known ?? findAppFor(callerOf(req), store, param(req, 'app'))
}

/** For whoever may look at it. @throws NOT_FOUND */
export async function findAppFor(caller: Caller, store: Store, name: string): Promise<App> {
  const app = isId(name) ? await findApp(store, name as AppName) : null
  if (!app || !sees(caller, targetOf(app))) throw notFound('app', name)
  return app
}

/** For whoever may change it, which those who may look at it are told apart from. @throws NOT_FOUND, FORBIDDEN */
export async function findAppToChange(caller: Caller, store: Store, name: string): Promise<App> {
  const app = await findAppFor(caller, store, name)
  if (judge(caller, 'app:write', targetOf(app)) !== 'allowed')
    throw forbidden(`changing ${app.name} needs ${lacking(caller, 'app:write')}`)
  return app
}

export const targetOf = ({ tenantId, id }: Pick<App, 'tenantId' | 'id'>): Target => ({ tenantId, appId: id })

/** Whether the caller sees what is a tenant's as a whole. */
export const seesTenant = (caller: Caller, tenantId: TenantId | null): boolean =>
  sees(caller, { tenantId, appId: null })

/** Whether the caller may change what is a tenant's as a whole. */
export const mayChangeIn = (caller: Caller, tenantId: TenantId | null): boolean =>
  judge(caller, 'tenant:write', { tenantId, appId: null }) === 'allowed'

/**
 * The tenant that something is made in: the one that is named, else the only one that there is a choice of.
 * @throws BAD_REQUEST, NOT_FOUND
 */
export function tenantFor(caller: Caller, wanted: TenantId | undefined): TenantId {
  const tenantId = wanted ?? homeOf(caller) ?? (caller.kind === 'operator' ? DEFAULT_TENANT : null)
  const own = caller.memberships.map((membership) => membership.tenantId)
  if (tenantId === null && own.length > 1)
    throw badRequest(`tenant: you belong to ${own.join(', ')}; say which of them is meant`)
  if (tenantId === null) throw forbidden('you belong to no tenant yet; ask an owner or an operator to invite you')
  if (!seesTenant(caller, tenantId)) throw notFound('tenant', tenantId)
  return tenantId
}

/** The same, for whoever may change what is the tenant's. @throws BAD_REQUEST, NOT_FOUND, FORBIDDEN */
export async function tenantToChange(caller: Caller, wanted: TenantId | undefined, store: Store): Promise<TenantId> {
  const tenantId = tenantFor(caller, wanted)
  if (!mayChangeIn(caller, tenantId))
    throw forbidden(`making something in ${tenantId} needs ${lacking(caller, 'tenant:write')}`)
  if (!(await loadTenant(store, tenantId))) throw notFound('tenant', tenantId)
  return tenantId
}

/** @throws NOT_FOUND */
export function tenantOf(req: Request): TenantId {
  const name = param(req, 'tenant')
  if (!isId(name) || !seesTenant(callerOf(req), name as TenantId)) throw notFound('tenant', name)
  return name as TenantId
}
