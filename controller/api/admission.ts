/** What an agent asks before it begins: its user of Redis's, and the key that jobs are signed with (core/contract/internal.ts). */
import type { JobsKeyAnswer, StoreLoginAnswer } from '#core/contract/internal.ts'
import { notFound } from '#core/domain/errors.ts'
import { isId, type HostId } from '#core/domain/ids.ts'
import { admitAgent } from '../store-users.ts'
import type { ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'

export const admissionRoutes = ({ store, random, log, jobsKey }: ApiContext): Routes => ({
  '/hosts/:host/store-login': {
    async POST(req, res) {
      const host = param(req, 'host')
      if (!isId(host)) throw notFound('host', host)
      const login = await admitAgent(store, host as HostId, random)
      if (login) log.info('agent admitted to the store', { hostId: host })
      res.setHeader('Cache-Control', 'no-store')
      res.json({ login } satisfies StoreLoginAnswer)
    },
  },
  '/jobs-key': {
    GET(_req, res) {
      res.json({ publicKey: jobsKey } satisfies JobsKeyAnswer)
    },
  },
})
