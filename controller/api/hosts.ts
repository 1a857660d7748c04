/** Hosts, for operators: list, let in and revoke (host-trust.ts), cordon (take no new instances; what runs is moved off), uncordon. */
import { notFound } from '#core/domain/errors.ts'
import { loadHosts, setCordoned } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { callerOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import { letHostIn, revokeHost } from './host-trust.ts'
import { param, type Handler, type Routes } from './routes.ts'
import { hostView } from './views.ts'

export const hostRoutes = (context: ApiContext): Routes => ({
  '/hosts': {
    async GET(_req, res) {
      const [hosts, instances] = await Promise.all([loadHosts(context.store), loadInstances(context.store)])
      res.json({ hosts: hosts.map((host) => hostView(host, instances)) })
    },
    POST: letHostIn(context),
  },
  '/hosts/:host/revoke': { POST: revokeHost(context) },
  '/hosts/:host/cordon': { POST: cordon(true, context) },
  '/hosts/:host/uncordon': { POST: cordon(false, context) },
})

function cordon(cordoned: boolean, { store, wake, log }: ApiContext): Handler {
  return async (req, res) => {
    const { actor } = callerOf(req)
    const id = param(req, 'host')
    const host = (await loadHosts(store)).find((candidate) => candidate.id === id)
    if (!host) throw notFound('host', id)
    await setCordoned(store, host.id, cordoned)
    log.info('host cordon changed', { hostId: host.id, cordoned, actor })
    wake()
    res.json(hostView({ ...host, cordoned }, await loadInstances(store)))
  }
}
