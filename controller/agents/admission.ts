/** What an agent asks before it begins: its user of Redis's, and the key that jobs are signed with (core/contract/internal.ts). */
import type { JobsKeyAnswer, StoreLoginAnswer } from '#core/contract/internal.ts'
import type { ApiContext } from '../api/context.ts'
import type { Routes } from '../api/routes.ts'
import { admitAgent } from '../store-users.ts'
import { identityOf } from './admit.ts'

export type AdmissionContext = Pick<ApiContext, 'store' | 'random' | 'log' | 'jobsKey'>

export const admissionRoutes = ({ store, random, log, jobsKey }: AdmissionContext): Routes => ({
  '/store-login': {
    async POST(req, res) {
      const { host } = identityOf(req)
      const login = await admitAgent(store, host, random)
      if (login) log.info('agent admitted to the store', { hostId: host })
      res.json({ login } satisfies StoreLoginAnswer)
    },
  },
  '/jobs-key': {
    GET(_req, res) {
      res.json({ publicKey: jobsKey } satisfies JobsKeyAnswer)
    },
  },
})
