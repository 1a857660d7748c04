import type { WhoamiView } from '#core/contract/api.ts'
import { homeOf } from '#core/domain/access.ts'
import { callerOf } from './auth.ts'
import type { Routes } from './routes.ts'

export const whoamiRoutes = (): Routes => ({
  '/whoami': {
    GET(req, res) {
      const caller = callerOf(req)
      res.json({
        actor: caller.actor,
        tenant: homeOf(caller),
        operator: caller.kind === 'operator',
      } satisfies WhoamiView)
    },
  },
})
