/** Apps: make, list, show, destroy. */
import type { Request } from 'express'
import { createApp as createAppSchema, type AppView, type CreateApp } from '#core/contract/api.ts'
import { sees, type Caller } from '#core/domain/access.ts'
import { FIRST_UID, parseAppName, UID_RANGE, type App, type AppRecord } from '#core/domain/app.ts'
import { appNameTaken, confirmMismatch, notFound } from '#core/domain/errors.ts'
import { makeId, type AppId, type AppName } from '#core/domain/ids.ts'
import type { Tenant } from '#core/domain/quota.ts'
import { createApp, findApp, loadApp, loadApps, nextAppNumber, removeApp } from '#core/store/apps.ts'
import { loadDeploys } from '#core/store/deploys.ts'
import { loadTenant, loadTenants } from '#core/store/tenants.ts'
import { promising, requireRoom } from '../quota.ts'
import { openTemplates, type Templates } from '../templates.ts'
import { appOf, refuseSuspended, targetOf, tenantToChange } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { accountOf, appUrl, type ApiContext } from './context.ts'
import { friendlyName } from './names.ts'
import { pageOf } from './pages.ts'
import type { Routes } from './routes.ts'
import { deployTemplate } from './template-deploys.ts'
import { appView } from './views.ts'

export const appRoutes = (context: ApiContext, templates: Templates = openTemplates()): Routes => ({
  '/apps': {
    async GET(req, res) {
      const [all, tenants] = await Promise.all([loadApps(context.store), loadTenants(context.store)])
      const apps = all.filter((app) => sees(callerOf(req), targetOf(app)))
      apps.sort((a, b) => a.name.localeCompare(b.name))
      const { items, next } = pageOf(req, apps, { name: 'apps', id: ({ id }) => id, at: ({ name }) => name })
      const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]))
      res.json({ apps: items.map((app) => viewOf(req, app, byId.get(app.tenantId) ?? null, context)), ...next })
    },
    async POST(req, res) {
      const wish = bodyOf(req, createAppSchema)
      const template = wish.template === undefined ? null : await templates.find(wish.template)
      const app = await makeApp(callerOf(req), wish, context)
      if (template) await deployTemplate(template, app, callerOf(req).actor, context).catch(orTakeBack(app, context))
      context.log.info('app created', { appId: app.id, name: app.name, actor: callerOf(req).actor })
      res.status(201).json(await view(req, app, context))
    },
  },
  '/apps/:app': {
    async GET(req, res) {
      res.json(await view(req, await appOf(req, context.store), context))
    },
    async DELETE(req, res) {
      const app = await appOf(req, context.store)
      if (req.query['confirm'] !== app.name) throw confirmMismatch(app.name)
      await destroy(app, context)
      context.log.info('app destroyed', { appId: app.id, name: app.name, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
})

const NAME_TRIES = 20

async function makeApp(caller: Caller, wish: CreateApp, context: ApiContext): Promise<App> {
  const tenantId = await tenantToChange(caller, wish.tenant, context.store)
  await refuseSuspended(caller, tenantId, context.store)
  const name = wish.name === undefined ? null : await freeName(wish.name, context)
  const number = await nextAppNumber(context.store)
  const record = {
    id: makeId('a', context.random(13)) as AppId,
    tenantId,
    uidBase: FIRST_UID + number * UID_RANGE,
    createdAt: context.now(),
  }
  // The repository comes first: an app that can be seen can be pushed to.
  await context.repositories.open(record.id)
  try {
    await claimName(name, record, context)
  } catch (error) {
    await context.repositories.remove(record.id)
    throw error
  }
  const app = await loadApp(context.store, record.id)
  if (!app) throw notFound('app', record.id)
  return app
}

/** Before anything is made for it. @throws NAME_MALFORMED, NAME_RESERVED, NAME_TAKEN */
async function freeName(wanted: string, { store }: ApiContext): Promise<AppName> {
  const name = parseAppName(wanted)
  if (await findApp(store, name)) throw appNameTaken(name)
  return name
}

/** @param wanted null: any. @throws NAME_TAKEN, QUOTA_EXCEEDED */
async function claimName(wanted: AppName | null, record: Omit<AppRecord, 'name'>, context: ApiContext) {
  if (wanted !== null) {
    // Somebody else may have taken it since it was free.
    if (!(await claim({ ...record, name: wanted }, context))) throw appNameTaken(wanted)
    return
  }
  for (let tries = 0; tries < NAME_TRIES; tries++)
    if (await claim({ ...record, name: parseAppName(friendlyName(context.random)) }, context)) return
  throw appNameTaken('of the generated kind')
}

/** @returns false when the name is taken. @throws QUOTA_EXCEEDED */
function claim(record: AppRecord, { store, turns }: ApiContext): Promise<boolean> {
  return turns.run(accountOf(record.tenantId), () =>
    promising(store, record.tenantId, (account) => {
      requireRoom(account, { id: record.id, formation: {} }, 'Another app')
      return createApp(store, record, account.promises)
    }),
  )
}

/** An app that was wished for with code, and has none, is not what was asked for. */
const orTakeBack = (app: App, context: ApiContext) => async (error: unknown) => {
  await destroy(app, context)
  throw error
}

/** Its instances are stopped by the reconciler, which finds them without an owner. */
async function destroy(
  app: App,
  { store, deploys, repositories, sources, wake, certificates, now }: ApiContext,
): Promise<void> {
  const made = await loadDeploys(store, app.id, Number.MAX_SAFE_INTEGER)
  await deploys.cancelApp(app.id)
  await removeApp(store, app, now())
  wake()
  certificates.wake()
  await repositories.remove(app.id)
  for (const deploy of made) await sources.remove(deploy.id)
}

async function view(req: Request, app: App, context: ApiContext): Promise<AppView> {
  return viewOf(req, app, await loadTenant(context.store, app.tenantId), context)
}

function viewOf(req: Request, app: App, tenant: Tenant | null, { config }: ApiContext): AppView {
  return appView(app, tenant, {
    url: appUrl(config, app.name),
    gitUrl: `http://${hostOf(req, config)}/git/${app.name}.git`,
  })
}

/** The address under which the caller reached the API; what does not look like one is not repeated. */
export function hostOf(req: Request, config: ApiContext['config']): string {
  const host = req.headers.host ?? ''
  const looksRight = /^([a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i.test(host)
  return looksRight ? host : `127.0.0.1:${config.apiPort}`
}
