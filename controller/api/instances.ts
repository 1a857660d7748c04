/** Instances: what runs where, of one app and (for operators) of all. */
import type { InstanceView } from '#core/contract/api.ts'
import type { Instance } from '#core/domain/instance.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { appOf } from './access.ts'
import type { ApiContext } from './context.ts'
import { pageOf, type Listing } from './pages.ts'
import type { Routes } from './routes.ts'
import { byName, instanceView } from './views.ts'

const listing: Listing<InstanceView> = {
  name: 'instances',
  id: ({ id }) => id,
  at: ({ app, name, release }) => `${app} ${name} ${release}`,
}

export const instanceRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/instances': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      const { items, next } = pageOf(req, await list(context, ({ desired }) => desired.appId === app.id), listing)
      res.json({ instances: items, ...next })
    },
  },
  '/instances': {
    async GET(req, res) {
      const { items, next } = pageOf(req, await list(context, () => true), listing)
      res.json({ instances: items, ...next })
    },
  },
})

async function list({ store }: ApiContext, wanted: (instance: Instance) => boolean): Promise<InstanceView[]> {
  const [instances, hosts] = await Promise.all([loadInstances(store), loadHosts(store)])
  const live = new Set<string>(hosts.filter((host) => host.live).map((host) => host.id))
  return instances
    .filter(wanted)
    .map((instance) => instanceView(instance, live))
    .sort(byName)
}
