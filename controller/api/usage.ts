import { usageOf } from '../metering/ledger.ts'
import { appOf } from './access.ts'
import type { ApiContext } from './context.ts'
import type { Routes } from './routes.ts'

export const usageRoutes = ({ store, now }: ApiContext): Routes => ({
  '/apps/:app/usage': {
    async GET(req, res) {
      res.json(await usageOf(store, await appOf(req, store), now()))
    },
  },
})
