/** Releases as the deploy story leaves them, in a test's store, with layers whose bytes are there. */
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { App } from '#core/domain/app.ts'
import { makeId, type DeployId, type LayerDigest } from '#core/domain/ids.ts'
import type { Deploy } from '#core/domain/release.ts'
import type { Layer, Slug } from '#core/domain/slug.ts'
import { setCurrent, setRollout } from '#core/store/apps.ts'
import { createDeploy, saveDeploy } from '#core/store/deploys.ts'
import { createRelease } from '#core/store/releases.ts'
import type { ApiContext } from '../../controller/api/context.ts'
import { aSlug } from './cluster.ts'

/** A layer of these bytes, in the store. */
export async function storedLayer(
  { layers }: Pick<ApiContext, 'layers'>,
  content: Buffer,
  kind: Layer['kind'] = 'app',
) {
  const digest = createHash('sha256').update(content).digest('hex') as LayerDigest
  if ((await layers.size(digest)) === null) await layers.write(digest, Readable.from([content]))
  return { digest, bytes: content.length, kind } satisfies Layer
}

/** A release that went live. */
export async function liveRelease(
  { store }: Pick<ApiContext, 'store'>,
  app: App,
  layers: Layer[],
  over: Partial<Slug> = {},
): Promise<number> {
  const deployId = makeId('d', randomBytes(13)) as DeployId
  const deploy: Deploy = {
    id: deployId,
    appId: app.id,
    kind: 'push',
    actor: 'alice',
    description: 'Deploy c0ffee',
    createdAt: 1,
    state: 'succeeded',
    commit: 'c0ffee',
    source: 'e'.repeat(64),
    fromRelease: null,
    config: null,
    release: null,
    buildHost: null,
    buildEpoch: 0,
    startedAt: null,
    phases: [],
    releaseRun: null,
    postdeployRun: null,
    error: null,
    endedAt: 1,
  }
  await createDeploy(store, deploy)
  await saveDeploy(store, deploy)
  const slug = { ...aSlug(), layers, ...over }
  const release = { appId: app.id, slug, config: {}, commit: 'c0ffee', description: 'Deploy c0ffee', actor: 'alice' }
  const version = await createRelease(store, { ...release, createdAt: 1, deployId }, null)
  if (version === null) throw new Error('the app is gone')
  const target = { release: version, generation: 0, since: 1 }
  await setCurrent(store, app.id, target)
  await setRollout(store, app.id, { target, state: 'done', at: 1 })
  return version
}
