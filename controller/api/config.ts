/** Config vars. They are stored sealed, and a change of them is a release: same code, new environment. */
import { patchConfig, type DeployAccepted, type PatchConfig } from '#core/contract/api.ts'
import { isConfigName, platformVariables, type App, type SealedConfig } from '#core/domain/app.ts'
import { badRequest, notFound } from '#core/domain/errors.ts'
import { codeOf, type Deploy } from '#core/domain/release.ts'
import { loadApp, setConfig } from '#core/store/apps.ts'
import { loadReleases } from '#core/store/releases.ts'
import { configBytes, MAX_CONFIG_BYTES } from '../config-size.ts'
import { openConfig, type Sealer } from '../secrets.ts'
import { requireRunning } from '../halted.ts'
import { appOf } from './access.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { changesOf, type ApiContext } from './context.ts'
import type { Routes } from './routes.ts'
import { answerTagged, requireUnchanged, tagOf } from './tags.ts'
import { deployView } from './views.ts'

type Plain = Record<string, string>

export const configRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/config': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      res.setHeader('Cache-Control', 'no-store')
      answerTagged(req, res, { config: openConfig(context.sealer, app.id, app.config) })
    },
    async PATCH(req, res) {
      const { id } = await appOf(req, context.store)
      const patch = bodyOf(req, patchConfig)
      checkNames(patch)
      const { config, deploy } = await context.turns.run(changesOf(id), async () => {
        const app = await loadApp(context.store, id)
        if (!app) throw notFound('app', id)
        requireUnchanged(req, `The config of ${app.name}`, { config: openConfig(context.sealer, app.id, app.config) })
        await requireRunning(context.store, app, 'its config vars, which make a release, cannot be changed')
        return change(app, patch, callerOf(req).actor, context)
      })
      res.setHeader('Cache-Control', 'no-store')
      res.setHeader('ETag', tagOf({ config }))
      if (deploy) res.status(202).json({ deploy: deployView(deploy) } satisfies DeployAccepted)
      else res.json({ config })
    },
  },
})

/** Saves first and releases then: what was said is never lost, and a call that failed in between can be repeated. */
async function change(
  app: App,
  patch: PatchConfig,
  actor: string,
  { store, sealer, deploys }: ApiContext,
): Promise<{ config: Plain; deploy: Deploy | null }> {
  const before = openConfig(sealer, app.id, app.config)
  const config = changeConfig(before, patch)
  const sealed = reseal(sealer, app, before, config)
  const newest = (await loadReleases(store, app.id)).at(-1)
  await setConfig(store, app.id, sealed)
  if (!newest || sameConfig(newest.config, sealed)) return { config, deploy: null }
  const deploy = await deploys.submit({
    app: { ...app, config: sealed },
    kind: 'config',
    actor,
    description: describeChange(patch),
    ...codeOf(newest),
    source: null,
    fromRelease: null,
    config: sealed,
  })
  return { config, deploy }
}

/** @throws BAD_REQUEST that names the wrong variable */
export function checkNames(patch: PatchConfig): void {
  for (const [name, value] of Object.entries(patch)) {
    if (!isConfigName(name))
      throw badRequest(
        `${JSON.stringify(name.slice(0, 140))} cannot be a config var's name: use letters, digits and _, not starting with a digit, at most 128.`,
      )
    if (platformVariables.has(name)) throw badRequest(`${name} is set by the platform and cannot be changed.`)
    if (value?.includes('\0')) throw badRequest(`The value of ${name} holds a NUL, which no environment can carry.`)
  }
}

/** @throws BAD_REQUEST when the whole is too big to be an environment */
export function changeConfig(before: Plain, patch: PatchConfig): Plain {
  const after = new Map(Object.entries(before))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) after.delete(name)
    else after.set(name, value)
  }
  const bytes = configBytes(after)
  if (bytes > MAX_CONFIG_BYTES)
    throw badRequest(`The config vars together would have ${bytes} bytes; ${MAX_CONFIG_BYTES} is the most.`)
  return Object.fromEntries(after)
}

/** Values that did not change keep their ciphertext, so that equal configs can be told by it. */
function reseal(sealer: Sealer, app: App, before: Plain, after: Plain): SealedConfig {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => {
      const kept = Object.hasOwn(before, name) && before[name] === value ? app.config[name] : undefined
      return [name, kept ?? sealer.seal(app.id, name, value)]
    }),
  )
}

function sameConfig(a: SealedConfig, b: SealedConfig): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
}

/** `Set A, B; remove C`: names only, never values. */
export function describeChange(patch: PatchConfig): string {
  const names = (wanted: (value: string | null) => boolean) =>
    Object.keys(patch)
      .filter((name) => wanted(patch[name] ?? null))
      .join(', ')
  const set = names((value) => value !== null)
  const removed = names((value) => value === null)
  const sentence = [set && `set ${set}`, removed && `remove ${removed}`].filter(Boolean).join('; ') || 'release config'
  return (sentence.charAt(0).toUpperCase() + sentence.slice(1)).slice(0, 200)
}
