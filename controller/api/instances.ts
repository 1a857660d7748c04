/** Instances: what runs where, of one app and (for operators) of all. */
import type { InstanceView } from '#core/contract/api.ts'
import type { Instance } from '#core/domain/instance.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { appOf } from './access.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'
import { byName, instanceView } from './views.ts'

export const instanceRoutes = (context: ApiContext): Routes => ({
  '/apps/:app/instances': {
    async GET(req, res) {
      const app = await appOf(req, context.store)
      res.json({ instances: await list(context, (instance) => instance.desired.appId === app.id) })
    },
  },
  '/instances': {
    async GET(_req, res) {
      res.json({ instances: await list(context, () => true) })
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
