/** Instances: what runs where, of one app and (for operators) of all. */
import type { InstanceView } from '#core/contract/api.ts'
import { answeredPerSecond, isAsked } from '#core/domain/answered.ts'
import type { Desired, Instance } from '#core/domain/instance.ts'
import { createAnsweredReader, loadRequests } from '#core/store/answered.ts'
import { LIVE_SECONDS } from '#core/store/figures.ts'
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

export function instanceRoutes(context: ApiContext): Routes {
  const list = lister(context)
  return {
    '/apps/:app/instances': {
      async GET(req, res) {
        const app = await appOf(req, context.store)
        const { items, next } = pageOf(req, await list(({ desired }) => desired.appId === app.id), listing)
        res.json({ instances: items, ...next })
      },
    },
    '/instances': {
      async GET(req, res) {
        const { items, next } = pageOf(req, await list(() => true), listing)
        res.json({ instances: items, ...next })
      },
    },
  }
}

type List = (wanted: (instance: Instance) => boolean) => Promise<InstanceView[]>

function lister({ store, now }: ApiContext): List {
  const readAnswered = createAnsweredReader(store)
  return async (wanted) => {
    const [all, hosts, answered] = await Promise.all([loadInstances(store), loadHosts(store), readAnswered(now())])
    const instances = all.filter(wanted)
    const requests = await loadRequests(
      store,
      instances
        .map(({ desired }) => desired)
        .filter(isAsked)
        .map(idOf),
    )
    const live = new Set<string>(hosts.filter((host) => host.live).map((host) => host.id))
    return instances
      .map((instance) => {
        const { desired } = instance
        const perSecond = answeredPerSecond(desired, answered, LIVE_SECONDS)
        return instanceView(instance, live, perSecond, isAsked(desired) ? (requests.get(desired.id) ?? 0) : null)
      })
      .sort(byName)
  }
}

const idOf = ({ id }: Desired) => id
