import { loadApp } from '#core/store/apps.ts'
import { loadUser } from '#core/store/users.ts'
import { callerOf, endOf } from './auth.ts'
import type { ApiContext } from './context.ts'
import { whoamiView } from './identity-views.ts'
import type { Routes } from './routes.ts'

export const whoamiRoutes = ({ store }: ApiContext): Routes => ({
  '/whoami': {
    async GET(req, res) {
      const caller = callerOf(req)
      const user = caller.userId === null ? null : await loadUser(store, caller.userId)
      const app = caller.app === null ? null : await loadApp(store, caller.app)
      res.json(whoamiView(caller, user, app, endOf(req)))
    },
  },
})
