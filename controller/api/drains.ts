/** Drains: where lines of logs are sent on to, of one app or, for operators, of all. */
import { addDrain as addDrainSchema, type DrainsView, type DrainView } from '#core/contract/drains.ts'
import type { App } from '#core/domain/app.ts'
import { MAX_DRAINS_OF_APP, MAX_DRAINS_OF_PLATFORM, type Drain, type DrainId } from '#core/domain/drain.ts'
import { badRequest, notFound } from '#core/domain/errors.ts'
import { makeId } from '#core/domain/ids.ts'
import { addDrain, loadDrains, loadDrainState, removeDrain } from '#core/store/drains.ts'
import { appendEvent } from '#core/store/events.ts'
import { sealTarget } from '../drains/sealed.ts'
import { shownOf, targetOf } from '../drains/target.ts'
import { eventOfApp } from '../events.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'

export const drainRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/drains': {
    async GET(req, res) {
      res.json(await list(await appOf(req, context.store), context))
    },
    async POST(req, res) {
      const app = await appOf(req, context.store)
      const wish = bodyOf(req, addDrainSchema)
      const { actor } = callerOf(req)
      const drain = await context.turns.run(DRAINS, () => add(app, wish, actor, context))
      await tell(app, `a drain to ${drain.shown} was added`, actor, context)
      res.status(201).json(await viewOf(drain, app, context))
    },
  },
  '/apps/:app/drains/:drain': {
    async DELETE(req, res) {
      const app = await appOf(req, context.store)
      const drain = await remove(app, param(req, 'drain'), context)
      await tell(app, `the drain to ${drain.shown} was removed`, callerOf(req).actor, context)
      res.status(204).end()
    },
  },
  '/drains': {
    async GET(_req, res) {
      res.json(await list(null, context))
    },
    async POST(req, res) {
      const wish = bodyOf(req, addDrainSchema)
      const { actor } = callerOf(req)
      const drain = await context.turns.run(DRAINS, () => add(null, wish, actor, context))
      context.log.info('drain of all logs added', { drain: drain.id, to: drain.shown, actor })
      res.status(201).json(await viewOf(drain, null, context))
    },
  },
  '/drains/:drain': {
    async DELETE(req, res) {
      const { id, shown } = await remove(null, param(req, 'drain'), context)
      context.log.info('drain of all logs removed', { drain: id, to: shown, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
})

const DRAINS = 'drains'

/** @param app null: of the platform */
async function drainsOf(app: App | null, { store }: ApiContext): Promise<Drain[]> {
  return (await loadDrains(store)).filter(({ appId }) => appId === (app?.id ?? null))
}

async function list(app: App | null, context: ApiContext): Promise<DrainsView> {
  const drains = await drainsOf(app, context)
  return { drains: await Promise.all(drains.map((drain) => viewOf(drain, app, context))) }
}

/** @throws BAD_REQUEST */
async function add(
  app: App | null,
  { url, token: given }: { url: string; token?: string | undefined },
  actor: string,
  context: ApiContext,
): Promise<Drain> {
  const { store, sealer, random, now } = context
  const target = targetOf(url)
  const token = given ?? null
  if (token !== null && target.kind === 'syslog') throw badRequest('token: only an https drain takes a token')
  const most = app ? MAX_DRAINS_OF_APP : MAX_DRAINS_OF_PLATFORM
  if ((await drainsOf(app, context)).length >= most)
    throw badRequest(`${app?.name ?? 'The platform'} has ${most} drains, which is the most. Remove one first.`)
  const owner = { id: makeId('n', random(13)) as DrainId, appId: app?.id ?? null }
  const sealed = sealTarget(owner, { url, token }, sealer)
  const drain: Drain = { ...owner, shown: shownOf(url), sealed, createdAt: now(), createdBy: actor }
  await addDrain(store, drain)
  return drain
}

/** @throws NOT_FOUND */
async function remove(app: App | null, wanted: string, context: ApiContext): Promise<Drain> {
  const drain = (await drainsOf(app, context)).find(({ id }) => id === wanted)
  if (!drain || !(await removeDrain(context.store, drain.id))) throw notFound('drain', wanted.slice(0, 100))
  return drain
}

const tell = (app: App, text: string, actor: string, { store, now }: ApiContext): Promise<void> =>
  appendEvent(store, app.id, eventOfApp('drainChanged', `${app.name}: ${text}`, actor, now()))

async function viewOf(drain: Drain, app: App | null, { store }: ApiContext): Promise<DrainView> {
  const { sent, dropped, failure, triedAt } = await loadDrainState(store, drain.id)
  return {
    id: drain.id,
    app: app?.name ?? null,
    url: drain.shown,
    createdAt: new Date(drain.createdAt).toISOString(),
    createdBy: drain.createdBy,
    sent,
    dropped,
    failure,
    triedAt: triedAt === null ? null : new Date(triedAt).toISOString(),
  }
}
