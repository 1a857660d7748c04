/** The routes that need no caller, because they make one of somebody. */
import { Router } from 'express'
import type { Admit } from './access.ts'
import { readBody } from './body.ts'
import type { ApiContext } from './context.ts'
import { acceptRoutes } from './invitations.ts'
import type { Routes } from './routes.ts'
import { signInRoutes } from './session.ts'

export const openRoutes = (context: ApiContext): Routes => ({
  ...signInRoutes(context),
  ...acceptRoutes(context),
})

/** Other methods of the same paths are left to the routes that know their callers. @param admit as in routes.ts */
export function openRouter(routes: Routes, admit: (route: string) => Admit): Router {
  const router = Router({ caseSensitive: true })
  for (const [path, handlers] of Object.entries(routes)) {
    for (const [method, handler] of Object.entries(handlers)) {
      const letIn = admit(`${method} ${path}`)
      router[method.toLowerCase() as 'get'](path, ...readBody, async (req, res) => {
        await letIn(req)
        await handler(req, res)
      })
    }
  }
  return router
}
