/** How routers carry an app's requests, and who may ask at all. A change makes no release, and reaches routers at once. */
import { hash } from 'node:crypto'
import type { Request } from 'express'
import { addAccessUser, patchAccess, patchRouting, type PatchRouting } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import { badRequest, notFound } from '#core/domain/errors.ts'
import { parseRange } from '#core/domain/range.ts'
import { defaultRouteSettings, type AccessRules, type RouteSettings } from '#core/domain/route.ts'
import { loadApp, setAccess, setRouting } from '#core/store/apps.ts'
import { appendEvent } from '#core/store/events.ts'
import { eventOfApp } from '../events.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { changesOf, type ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'
import { answerTagged, requireUnchanged } from './tags.ts'
import { accessView, routingView } from './views.ts'

export const routingRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/routing': {
    async GET(req, res) {
      answerTagged(req, res, routingView(await appOf(req, context.store)))
    },
    async PATCH(req, res) {
      const app = await appOf(req, context.store)
      const patch = bodyOf(req, patchRouting)
      answerTagged(
        req,
        res,
        routingView(await change(req, app, describeRouting(patch), { routing: () => patch }, context)),
      )
    },
    async DELETE(req, res) {
      const app = await appOf(req, context.store)
      // What keeps people out is not opened by the way.
      const { access: _access, maintenance: _maintenance, ...usual } = defaultRouteSettings
      res.json(
        routingView(await change(req, app, 'traffic is as for every app again', { routing: () => usual }, context)),
      )
    },
  },
  '/apps/:app/access': {
    async GET(req, res) {
      answerTagged(req, res, accessView((await appOf(req, context.store)).routing.access))
    },
    async PATCH(req, res) {
      const app = await appOf(req, context.store)
      const { add = [], remove = [] } = bodyOf(req, patchAccess)
      const text = describeAccess(add, remove)
      const access = (before: AccessRules) => ({ ...before, allow: changeAllow(before, add, remove) })
      answerTagged(req, res, accessView((await change(req, app, text, { access }, context)).routing.access))
    },
    async DELETE(req, res) {
      const app = await appOf(req, context.store)
      const changed = await change(req, app, 'everyone may ask it', { access: () => openAccess }, context)
      res.json(accessView(changed.routing.access))
    },
  },
  '/apps/:app/access/users': {
    async POST(req, res) {
      const app = await appOf(req, context.store)
      const { name, password } = bodyOf(req, addAccessUser)
      const user = seal(name, password, Buffer.from(context.random(16)).toString('hex'))
      const access = (before: AccessRules) => ({ ...before, users: addUser(before.users, user) })
      const changed = await change(req, app, `${name} may ask it with a password`, { access }, context)
      res.status(201).json(accessView(changed.routing.access))
    },
  },
  '/apps/:app/access/users/:user': {
    async DELETE(req, res) {
      const app = await appOf(req, context.store)
      const name = param(req, 'user')
      if (!app.routing.access.users.some((user) => user.name === name)) throw notFound('user', name)
      const access = (before: AccessRules) => ({ ...before, users: before.users.filter((user) => user.name !== name) })
      await change(req, app, `${name} may not ask it any more`, { access }, context)
      res.status(204).end()
    },
  },
})

type Users = AccessRules['users']

const openAccess: AccessRules = { allow: [], users: [] }
const MAX_RANGES = 200
const MAX_USERS = 50

type Changes = {
  routing?: (before: RouteSettings) => PatchRouting
  access?: (before: AccessRules) => AccessRules
}

/** Reads, changes and writes in the app's turn. @param text what the event says of it @throws NOT_FOUND */
async function change(req: Request, { id }: App, text: string, changes: Changes, context: ApiContext): Promise<App> {
  const { store, now, wake, log, turns } = context
  const { actor } = callerOf(req)
  const app = await turns.run(changesOf(id), async () => {
    const before = await loadApp(store, id)
    if (!before) throw notFound('app', id)
    if (changes.routing) requireUnchanged(req, `The routing of ${before.name}`, routingView(before))
    if (changes.access) requireUnchanged(req, `Who may ask ${before.name}`, accessView(before.routing.access))
    const after = { ...before.routing }
    if (changes.routing) Object.assign(after, defined(changes.routing(before.routing)))
    if (changes.access) after.access = changes.access(before.routing.access)
    const { access, ...settings } = after
    if (changes.routing) await setRouting(store, id, unusual(settings))
    if (changes.access) await setAccess(store, id, access)
    return { ...before, routing: after }
  })
  wake()
  log.info('routing changed', { appId: id, text, actor })
  await appendEvent(store, id, eventOfApp('routingChanged', `${app.name}: ${text}`, actor, now()))
  return app
}

/** Only what is not as for every app. */
const unusual = (settings: Omit<RouteSettings, 'access'>): Partial<Omit<RouteSettings, 'access'>> =>
  Object.fromEntries(
    Object.entries(settings).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(defaultRouteSettings[name as keyof RouteSettings]),
    ),
  )

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

const defined = <T extends object>(values: T): Given<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>

export function describeRouting(patch: PatchRouting): string {
  const { maintenance, ...rest } = patch
  const parts = Object.entries(defined(rest)).map(([name, value]) => `${name} is ${describeValue(value)}`)
  if (maintenance !== undefined) parts.push(maintenance ? 'maintenance began' : 'maintenance is over')
  return parts.join(', ') || 'nothing changed'
}

function describeValue(value: string | number | boolean | { soft: number; hard: number } | null): string {
  if (value === null) return 'none'
  return typeof value === 'object' ? `${value.soft}:${value.hard}` : String(value)
}

export function describeAccess(add: string[], remove: string[]): string {
  const parts = [
    add.length > 0 ? `${add.join(', ')} may ask it` : '',
    remove.length > 0 ? `${remove.join(', ')} may not ask it any more` : '',
  ]
  return parts.filter((part) => part !== '').join('; ') || 'nothing changed'
}

/** @throws BAD_REQUEST when there would be too many, or when one that is not there is to be removed */
export function changeAllow({ allow: before, users }: AccessRules, add: string[], remove: string[]): string[] {
  const missing = remove.find((text) => !before.some((one) => isSameRange(one, text)))
  if (missing !== undefined) throw badRequest(`${missing} is not in the list. See: berth access`)
  const kept = before.filter((one) => !remove.some((text) => isSameRange(one, text)))
  const after = add.reduce((list, text) => (list.some((one) => isSameRange(one, text)) ? list : [...list, text]), kept)
  if (after.length > MAX_RANGES)
    throw badRequest(`The list would have ${after.length} networks; ${MAX_RANGES} is the most. Join neighbouring ones.`)
  // An empty list lets everybody in, which whoever takes the last network off it may not mean.
  if (after.length === 0 && before.length > 0 && users.length === 0)
    throw badRequest('Without a network in the list everyone may ask. If you mean that: berth access:clear')
  return after
}

/** However it is written: `2001:DB8::/32` is `2001:db8:0::/32`. */
const isSameRange = (a: string, b: string): boolean => JSON.stringify(parseRange(a)) === JSON.stringify(parseRange(b))

/** A new password takes the place of the user's old one. @throws BAD_REQUEST when there would be too many */
function addUser(before: Users, user: Users[number]): Users {
  const after = [...before.filter(({ name }) => name !== user.name), user]
  if (after.length > MAX_USERS) throw badRequest(`An app has at most ${MAX_USERS} users.`)
  return after
}

/** What is kept of a password: see AccessRules. */
const seal = (name: string, password: string, salt: string): Users[number] => ({
  name,
  salt,
  digest: hash('sha256', `${salt}:${password}`),
})
