/** What operators ask of a host beside its work: how it is; and, once it is gone for good and nothing is to run there, to forget it. */
import type { Request } from 'express'
import type { DiagnosisView } from '#core/contract/hosts.ts'
import type { Host } from '#core/domain/host.ts'
import { hostInUse, hostLives, notFound } from '#core/domain/errors.ts'
import type { Store } from '#core/store/connection.ts'
import { endEnrolment } from '#core/store/enrolments.ts'
import { loadDiagnosis, loadHosts, removeHost } from '#core/store/hosts.ts'
import { forgetInstance, loadAssigned } from '#core/store/instances.ts'
import { dismissAgent } from '../store-users.ts'
import { callerOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'

export const hostCareRoutes = ({ store, log, forgetJobs }: ApiContext): Routes => ({
  '/hosts/:host/doctor': {
    async GET(req, res) {
      const { id } = await hostOf(req, store)
      const known = await loadDiagnosis(store, id)
      const at = known && new Date(known.at).toISOString()
      res.json({ host: id, at, findings: known?.findings ?? [] } satisfies DiagnosisView)
    },
  },
  '/hosts/:host': {
    async DELETE(req, res) {
      const host = await hostOf(req, store)
      const { id } = host
      if (host.live) throw hostLives(id)
      const assigned = await loadAssigned(store, host.id)
      const wanted = assigned.filter(({ desired }) => desired.intent !== 'stop').length
      if (wanted > 0) throw hostInUse(id, wanted)
      await endEnrolment(store, host.id)
      // They are to be stopped, and nobody will ever answer that they are.
      for (const { desired } of assigned) await forgetInstance(store, desired)
      if (!(await removeHost(store, host.id))) throw hostLives(id)
      await dismissAgent(store, host.id)
      await forgetJobs(host.id).catch((error: unknown) =>
        log.warn('jobs of a host not deleted', { hostId: host.id, error }),
      )
      log.info('host removed', { hostId: host.id, actor: callerOf(req).actor })
      res.status(204).end()
    },
  },
})

/** @throws NOT_FOUND */
async function hostOf(req: Request, store: Store): Promise<Host> {
  const id = param(req, 'host')
  const host = (await loadHosts(store)).find((candidate) => candidate.id === id)
  if (!host) throw notFound('host', id)
  return host
}
