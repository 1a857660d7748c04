/** What an app's code takes: its layers, who shares them, on which hosts they are. */
import type { SlugsView } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import type { AppName, HostId, LayerDigest } from '#core/domain/ids.ts'
import type { Layer } from '#core/domain/slug.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadCollected, loadHostLayers } from '#core/store/layers.ts'
import { loadReleases } from '#core/store/releases.ts'
import { appOf } from './access.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'

export const slugRoutes = ({ store }: ApiContext): Routes => ({
  '/apps/:app/slugs': {
    async GET(req, res) {
      res.json(await slugsOf(await appOf(req, store), store))
    },
  },
})

type Used = { layer: Layer; releases: number[] }

export async function slugsOf(app: App, store: Store): Promise<SlugsView> {
  const [releases, collected, onHosts, others] = await Promise.all([
    loadReleases(store, app.id),
    loadCollected(store, app.id),
    layersOfHosts(store),
    neighbours(app, store),
  ])
  const kept = releases.filter(({ version }) => !collected.has(version))
  const used = usedBy(kept.map(({ version, slug }) => ({ version, layers: slug.layers })))
  const layers = [...used.values()].map(({ layer, releases }) => ({
    ...layer,
    releases,
    sharedWith: others.filter(({ digests }) => digests.has(layer.digest)).map(({ name }) => name),
    hosts: onHosts.filter(({ digests }) => layer.digest in digests).map(({ host }) => host),
  }))
  return {
    app: app.name,
    release: app.current?.release ?? null,
    bytes: sum(layers),
    currentBytes: sum(kept.find(({ version }) => version === app.current?.release)?.slug.layers ?? []),
    layers,
    hosts: onHosts
      .map(({ host, digests }) => ({ host, bytes: sum(layers.filter(({ digest }) => digest in digests)) }))
      .filter(({ bytes }) => bytes > 0),
    collected: [...collected].sort((a, b) => a - b),
  }
}

/** Each layer once, those of the newest release first. */
function usedBy(releases: { version: number; layers: Layer[] }[]): Map<LayerDigest, Used> {
  const used = new Map<LayerDigest, Used>()
  for (const { version, layers } of releases.toReversed())
    for (const layer of layers) {
      const known = used.get(layer.digest) ?? { layer, releases: [] }
      known.releases.push(version)
      used.set(layer.digest, known)
    }
  return used
}

const sum = (layers: readonly { bytes: number }[]): number => layers.reduce((total, { bytes }) => total + bytes, 0)

async function layersOfHosts(store: Store): Promise<{ host: HostId; digests: Partial<Record<LayerDigest, number>> }[]> {
  const hosts = (await loadHosts(store)).filter(({ live }) => live)
  return Promise.all(hosts.map(async ({ id }) => ({ host: id, digests: await loadHostLayers(store, id) })))
}

/** The other apps of the same tenant: what others have is nobody's business. */
async function neighbours(app: App, store: Store): Promise<{ name: AppName; digests: Set<LayerDigest> }[]> {
  const apps = (await loadApps(store)).filter(({ id, tenantId }) => id !== app.id && tenantId === app.tenantId)
  return Promise.all(
    apps.map(async ({ id, name }) => {
      const collected = await loadCollected(store, id)
      const kept = (await loadReleases(store, id)).filter(({ version }) => !collected.has(version))
      return { name, digests: new Set(kept.flatMap(({ slug }) => slug.layers.map(({ digest }) => digest))) }
    }),
  )
}
