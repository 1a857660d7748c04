/** Health checks: how each process type shows that it works, and whether a release that crashes gives way by itself. */
import type { Request } from 'express'
import { patchChecks, type CheckView, type ChecksView, type PatchChecks } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import { badRequest, notFound, unknownProcessType } from '#core/domain/errors.ts'
import { checkIn, healthCheckOf, type HealthCheck, type HealthChecks } from '#core/domain/health-check.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { RELEASE_PROCESS, WEB, type Release } from '#core/domain/release.ts'
import { loadApp, setAutoRollback, setChecks } from '#core/store/apps.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadRelease } from '#core/store/releases.ts'
import { eventOfApp } from '../events.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { changesOf, type ApiContext } from './context.ts'
import type { Routes } from './routes.ts'
import { answerTagged, requireUnchanged } from './tags.ts'

export const checkRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/checks': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      answerTagged(req, res, view(app, await newestOf(app, context)))
    },
    async PATCH(req, res) {
      const { id } = await appOf(req, context.store)
      const patch = bodyOf(req, patchChecks)
      const { app, release } = await context.turns.run(changesOf(id), () => change(req, id, patch, context))
      const text = `${app.name}: ${describeChecks(patch)}`
      await appendEvent(context.store, id, eventOfApp('checksChanged', text, callerOf(req).actor, context.now()))
      answerTagged(req, res, view(app, release))
    },
  },
})

/** Makes no release: what starts from now on is checked so. @throws NOT_FOUND, UNKNOWN_PROCESS_TYPE, BAD_REQUEST */
async function change(req: Request, id: App['id'], patch: PatchChecks, context: ApiContext) {
  const { store, config } = context
  const before = await loadApp(store, id)
  if (!before) throw notFound('app', id)
  const release = await newestOf(before, context)
  requireUnchanged(req, `What checks ${before.name}`, view(before, release))
  const known = release && typesOf(release)
  const checks = changeChecks(before.checks, patch.processes ?? {}, known, config.bootTimeoutMs)
  const autoRollback = patch.autoRollback ?? before.autoRollback
  await setChecks(store, id, checks)
  await setAutoRollback(store, id, autoRollback)
  return { app: { ...before, checks, autoRollback }, release }
}

const newestOf = async ({ id, target }: App, { store }: ApiContext): Promise<Release | null> =>
  target && loadRelease(store, id, target.release)

const typesOf = ({ slug }: Release): ProcessType[] =>
  (Object.keys(slug.processes) as ProcessType[]).filter((type) => type !== RELEASE_PROCESS).sort()

type Wishes = NonNullable<PatchChecks['processes']>
type Wish = Wishes[ProcessType]

/**
 * @param known the newest release's process types; null while there is none, when any may be set in advance
 * @param mostMs the longest start that the operator allows
 * @throws UNKNOWN_PROCESS_TYPE, BAD_REQUEST
 */
export function changeChecks(
  before: HealthChecks,
  patch: Wishes,
  known: ProcessType[] | null,
  mostMs: number,
): HealthChecks {
  const after = new Map(Object.entries(before) as [ProcessType, Partial<HealthCheck>][])
  for (const [type, wish] of Object.entries(patch) as [ProcessType, Wish][]) {
    if (known && !known.includes(type)) throw unknownProcessType(type, known)
    const startMs = wish?.startTimeoutMs ?? 0
    if (startMs > mostMs)
      throw badRequest(
        `A start may take ${mostMs / 1000} s at most here, and the check of ${type} asks for ${startMs / 1000} s.`,
      )
    if (wish === null) after.delete(type)
    else after.set(type, { ...after.get(type), ...definedIn(wish) })
  }
  return Object.fromEntries(after)
}

const definedIn = (wish: NonNullable<Wish>): Partial<HealthCheck> =>
  Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined))

/** `web: GET /healthz within 30 s; a release that crashes stays`. */
export function describeChecks({ processes = {}, autoRollback }: PatchChecks): string {
  const parts = Object.entries(processes).map(([type, wish]) => `${type}: ${describeWish(wish)}`)
  if (autoRollback !== undefined)
    parts.push(autoRollback ? 'a release that crashes gives way' : 'a release that crashes stays')
  return parts.join('; ') || 'nothing changed'
}

function describeWish(wish: Wish): string {
  if (wish === null) return 'checked as its code says'
  const { kind, path, startTimeoutMs } = wish
  const how = kind === 'tcp' ? 'a connection' : kind === 'none' ? 'no check' : path === undefined ? '' : `GET ${path}`
  const within = startTimeoutMs === undefined ? '' : `within ${startTimeoutMs / 1000} s`
  return [how, within].filter((part) => part !== '').join(' ') || 'unchanged'
}

function view(app: App, release: Release | null): ChecksView {
  const types = release ? typesOf(release) : (Object.keys(app.checks) as ProcessType[]).sort()
  return { app: app.name, autoRollback: app.autoRollback, checks: types.map((type) => checkView(type, app, release)) }
}

function checkView(type: ProcessType, app: App, release: Release | null): CheckView {
  const ofCode = release?.slug.health ?? {}
  const from = checkIn(app.checks, type) ? 'app' : checkIn(ofCode, type) ? 'code' : 'default'
  return { process: type, ...healthCheckOf(type, type === WEB, ofCode, app.checks), from }
}
