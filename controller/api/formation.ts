/** The formation: how many instances of each process type, and how big. */
import { patchFormation, type PatchFormation } from '#core/contract/api.ts'
import { processOf, type App, type Formation, type ProcessFormation } from '#core/domain/app.ts'
import { badRequest, belowUse, notFound, unknownProcessType } from '#core/domain/errors.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { usualSize } from '#core/domain/quota.ts'
import { RELEASE_PROCESS, type Resizing } from '#core/domain/release.ts'
import type { Resources } from '#core/domain/resources.ts'
import { setFormation } from '#core/store/apps.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadRelease } from '#core/store/releases.ts'
import { eventOfApp } from '../events.ts'
import { requireRunning } from '../halted.ts'
import { tightest } from '../placement/resize.ts'
import { promising, requireRoom, type Account } from '../quota.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { accountOf, type ApiContext } from './context.ts'
import type { Routes } from './routes.ts'
import { answerTagged, requireUnchanged } from './tags.ts'

export const formationRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/formation': {
    async GET(req, res) {
      answerTagged(req, res, { formation: (await appOf(req, context.store)).formation })
    },
    async PATCH(req, res) {
      const app = await appOf(req, context.store)
      const patch = bodyOf(req, patchFormation)
      const { actor } = callerOf(req)
      await requireRunning(context.store, app, 'its formation cannot be changed')
      const { before, after } = await context.turns.run(accountOf(app.tenantId), () =>
        promising(context.store, app.tenantId, (account) => {
          const { formation } = account.apps.find(({ id }) => id === app.id) ?? app
          requireUnchanged(req, `The formation of ${app.name}`, { formation })
          return change(app, patch, actor, account, context)
        }),
      )
      context.wake()
      await tell(app, before, after, actor, context)
      answerTagged(req, res, { formation: after })
    },
  },
})

/** @throws NOT_FOUND, UNKNOWN_PROCESS_TYPE, QUOTA_EXCEEDED, BELOW_USE; nothing is stored then */
async function change(
  { id, name }: App,
  patch: PatchFormation,
  actor: string,
  account: Account,
  context: ApiContext,
): Promise<{ before: Formation; after: Formation }> {
  const { store, now } = context
  const app = account.apps.find((one) => one.id === id)
  if (!app) throw notFound('app', name)
  const before = app.formation
  const after = changeFormation(before, patch, await processTypes(app, context), usualSize(account.plan))
  requireRoom(account, { id, formation: after }, `Scaling ${name}`)
  const tooTight = tightest(
    after,
    (await loadInstances(store)).filter(({ desired }) => desired.appId === id),
  )
  if (tooTight) throw belowUse(tooTight.process, tooTight.usedMb, tooTight.askedMb, tooTight.atLeastMb)
  const resizing = resizingOf(app, after, actor, now())
  if (!(await setFormation(store, app, after, account.promises, resizing))) throw notFound('app', name)
  return { before, after }
}

/** @returns what the newest release can run; null while there is none, when any type may be asked for in advance */
async function processTypes(app: App, { store }: ApiContext): Promise<string[] | null> {
  const release = app.target && (await loadRelease(store, app.id, app.target.release))
  return release && Object.keys(release.slug.processes)
}

/**
 * @param usual the size of a process type that has none yet
 * @throws UNKNOWN_PROCESS_TYPE
 */
export function changeFormation(
  before: Formation,
  patch: PatchFormation,
  known: string[] | null,
  usual: Resources,
): Formation {
  const after: Formation = { ...before }
  for (const [type, wish] of Object.entries(patch) as [ProcessType, PatchFormation[ProcessType]][]) {
    if (type === RELEASE_PROCESS)
      throw badRequest('The release process runs once before a release goes live; it cannot be scaled.')
    if (known && !known.includes(type))
      throw unknownProcessType(
        type,
        known.filter((name) => name !== RELEASE_PROCESS),
      )
    after[type] = changeProcess(processOf(before, type), wish, usual)
  }
  return after
}

function changeProcess(
  before: ProcessFormation | undefined,
  wish: PatchFormation[ProcessType],
  usual: Resources,
): ProcessFormation {
  const { count, size } = before ?? { count: 0, size: usual }
  return {
    count: wish.count ?? count,
    size: { ...size, memoryMb: wish.memoryMb ?? size.memoryMb, cpuMilli: wish.cpuMilli ?? size.cpuMilli },
  }
}

/** @returns null where no size changes, or where nothing was released yet: sizes that nothing ever had are no history */
function resizingOf(app: App, after: Formation, actor: string, createdAt: number): Omit<Resizing, 'version'> | null {
  const changed = resizedTypes(app.formation, after)
  if (app.target === null || changed.length === 0) return null
  const description = `Resize ${changed.map(({ type, now }) => `${type} to ${sizeText(now, ', ')}`).join('; ')}`
  return { appId: app.id, description, actor, createdAt, formation: after }
}

async function tell(app: App, before: Formation, after: Formation, actor: string, { store, now }: ApiContext) {
  const changes = describeChanges(before, after)
  for (const kind of ['scaled', 'resized'] as const)
    if (changes[kind].length > 0)
      await appendEvent(store, app.id, eventOfApp(kind, changes[kind].join(', '), actor, now()))
}

/** `web from 1 to 3`; `web from 512 MB and 1 CPU to 256 MB and 0.5 CPU`. */
export function describeChanges(before: Formation, after: Formation): Record<'scaled' | 'resized', string[]> {
  const scaled: string[] = []
  const resized: string[] = []
  for (const [type, now] of Object.entries(after) as [ProcessType, ProcessFormation][]) {
    const was = processOf(before, type)
    if (now.count !== (was?.count ?? 0)) scaled.push(`${type} from ${was?.count ?? 0} to ${now.count}`)
  }
  for (const { type, was, now } of resizedTypes(before, after))
    resized.push(`${type} from ${sizeText(was, ' and ')} to ${sizeText(now, ' and ')}`)
  return { scaled, resized }
}

function resizedTypes(before: Formation, after: Formation): { type: string; was: Resources; now: Resources }[] {
  return (Object.entries(after) as [ProcessType, ProcessFormation][]).flatMap(([type, { size: now }]) => {
    const was = processOf(before, type)?.size
    return was && (was.memoryMb !== now.memoryMb || was.cpuMilli !== now.cpuMilli) ? [{ type, was, now }] : []
  })
}

const sizeText = ({ memoryMb, cpuMilli }: Resources, and: string): string =>
  `${memoryMb} MB${and}${cpuMilli / 1000} CPU`
