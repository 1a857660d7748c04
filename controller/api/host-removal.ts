/** Hosts that are gone for good: what is stored of them is removed, once nothing is to run there any more. */
import { hostInUse, hostLives, notFound } from '#core/domain/errors.ts'
import { loadHosts, removeHost } from '#core/store/hosts.ts'
import { forgetInstance, loadAssigned } from '#core/store/instances.ts'
import { callerOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'

export const hostRemovalRoutes = ({ store, log }: ApiContext): Routes => ({
  '/hosts/:host': {
    async DELETE(req, res) {
      const id = param(req, 'host')
      const host = (await loadHosts(store)).find((candidate) => candidate.id === id)
      if (!host) throw notFound('host', id)
      if (host.live) throw hostLives(id)
      const assigned = await loadAssigned(store, host.id)
      const wanted = assigned.filter(({ desired }) => desired.intent !== 'stop').length
      if (wanted > 0) throw hostInUse(id, wanted)
      // They are to be stopped, and nobody will ever answer that they are.
      for (const { desired } of assigned) await forgetInstance(store, desired)
      if (!(await removeHost(store, host.id))) throw hostLives(id)
      log.info('host removed', { hostId: host.id, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
})
