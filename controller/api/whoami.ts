import type { WhoamiView } from '#core/contract/api.ts'
import { callerOf } from './auth.ts'
import type { Routes } from './routes.ts'

export const whoamiRoutes = (): Routes => ({
  '/whoami': {
    GET(req, res) {
      const { actor, tenantId, role } = callerOf(req)
      res.json({ actor, tenant: tenantId, operator: role === 'operator' } satisfies WhoamiView)
    },
  },
})
