/** What an app.json says of the app as a whole, at its first release: config vars, formation, and a script for after it. */
import type { App, SealedConfig } from '#core/domain/app.ts'
import { makeId, type InstanceId } from '#core/domain/ids.ts'
import { emptyManifest, type Manifest } from '#core/domain/manifest.ts'
import type { Resources } from '#core/domain/resources.ts'
import { loadApp, setConfig } from '#core/store/apps.ts'
import { loadBuildReport } from '#core/store/deploys.ts'
import { changesOf } from '../api/context.ts'
import { configBytes, MAX_CONFIG_BYTES } from '../config-size.ts'
import { openConfig } from '../secrets.ts'
import type { Outcome, Walk } from './walk.ts'

/** That of this deploy's build; an empty one when it built nothing. */
export async function manifestOf({ context: { store }, deploy, reach }: Walk): Promise<Manifest> {
  const report = await reach(() => loadBuildReport(store, deploy))
  return report?.state === 'succeeded' && report.epoch === deploy.buildEpoch ? report.manifest : emptyManifest
}

/**
 * Before the first release is made. Each part can be done twice: a config var that is there stays as it is, so a secret
 * that was generated is not generated again.
 */
export async function settleFirst(walk: Walk, app: App, manifest: Manifest): Promise<Outcome<null>> {
  if (app.current === null && manifest.postdeploy !== null && walk.deploy.postdeployRun === null)
    await walk.save({ postdeployRun: makeId('i', walk.context.random(13)) as InstanceId })
  return app.target === null ? settleConfig(walk, app, manifest) : { ok: true, value: null }
}

async function settleConfig(walk: Walk, { id }: App, manifest: Manifest): Promise<Outcome<null>> {
  const { store, sealer, random, turns } = walk.context
  if (Object.keys(manifest.env).length === 0) return { ok: true, value: null }
  const set = await walk.reach(() =>
    turns.run(changesOf(id), async () => {
      const app = await loadApp(store, id)
      if (!app) return []
      const added = valuesFor(manifest, app.config, () => Buffer.from(random(32)).toString('hex'))
      const bytes = configBytes([...Object.entries(openConfig(sealer, id, app.config)), ...Object.entries(added)])
      if (bytes > MAX_CONFIG_BYTES) return bytes
      const sealed = Object.entries(added).map(([name, value]) => [name, sealer.seal(id, name, value)] as const)
      await setConfig(store, id, { ...app.config, ...Object.fromEntries(sealed) })
      return Object.keys(added)
    }),
  )
  if (typeof set === 'number')
    return {
      ok: false,
      why: `With those of app.json the config vars would have ${set} bytes; ${MAX_CONFIG_BYTES} is the most.`,
    }
  if (set.length > 0) await walk.say(`-----> Config vars set as app.json says: ${set.join(', ')}`)
  return { ok: true, value: null }
}

/** Of what app.json names, that which is not set. */
export function valuesFor(manifest: Manifest, config: SealedConfig, secret: () => string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(manifest.env)
      .filter(([name]) => !Object.hasOwn(config, name))
      .map(([name, variable]) => [name, 'value' in variable ? variable.value : secret()]),
  )
}

/** The size of a process type that app.json names; what it leaves open is as usual. */
export const sizeFor = (
  wish: Manifest['formation'][string & keyof Manifest['formation']],
  usual: Resources,
): Resources => ({
  ...usual,
  memoryMb: wish?.size?.memoryMb ?? usual.memoryMb,
  cpuMilli: wish?.size?.cpuMilli ?? usual.cpuMilli,
})
