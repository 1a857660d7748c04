/** The formation: how many instances of each process type, and how big. */
import { patchFormation, type PatchFormation } from '#core/contract/api.ts'
import type { App, Formation, ProcessFormation } from '#core/domain/app.ts'
import { badRequest, notFound, unknownProcessType } from '#core/domain/errors.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { RELEASE_PROCESS } from '#core/domain/release.ts'
import { defaultResources } from '#core/domain/resources.ts'
import { loadApp, setFormation } from '#core/store/apps.ts'
import { loadRelease } from '#core/store/releases.ts'
import { appOf } from './access.ts'
import { bodyOf } from './body.ts'
import { changesOf, type ApiContext } from './context.ts'
import type { Routes } from './routes.ts'

export const formationRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/formation': {
    async GET(req, res) {
      res.json({ formation: (await appOf(req, context.store)).formation })
    },
    async PATCH(req, res) {
      const { id } = await appOf(req, context.store)
      const patch = bodyOf(req, patchFormation)
      const formation = await context.turns.run(changesOf(id), async () => {
        const app = await loadApp(context.store, id)
        if (!app) throw notFound('app', id)
        const changed = changeFormation(app.formation, patch, await processTypes(app, context))
        await setFormation(context.store, id, changed)
        return changed
      })
      context.wake()
      res.json({ formation })
    },
  },
})

/** @returns what the newest release can run; null while there is none, when any type may be asked for in advance */
async function processTypes(app: App, { store }: ApiContext): Promise<string[] | null> {
  const release = app.target && (await loadRelease(store, app.id, app.target.release))
  return release && Object.keys(release.slug.processes)
}

/** @throws UNKNOWN_PROCESS_TYPE */
export function changeFormation(before: Formation, patch: PatchFormation, known: string[] | null): Formation {
  const after: Formation = { ...before }
  for (const [type, wish] of Object.entries(patch) as [ProcessType, PatchFormation[ProcessType]][]) {
    if (type === RELEASE_PROCESS)
      throw badRequest('The release process runs once before a release goes live; it cannot be scaled.')
    if (known && !known.includes(type))
      throw unknownProcessType(
        type,
        known.filter((name) => name !== RELEASE_PROCESS),
      )
    after[type] = changeProcess(Object.hasOwn(before, type) ? before[type] : undefined, wish)
  }
  return after
}

function changeProcess(before: ProcessFormation | undefined, wish: PatchFormation[ProcessType]): ProcessFormation {
  const { count, size } = before ?? { count: 0, size: defaultResources }
  return {
    count: wish.count ?? count,
    size: { ...size, memoryMb: wish.memoryMb ?? size.memoryMb, cpuMilli: wish.cpuMilli ?? size.cpuMilli },
  }
}
