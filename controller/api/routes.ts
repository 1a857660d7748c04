/** Routes as tables: path → method → handler. A method that a path does not have is answered with 405 and `Allow`. */
import { Router, type Request, type Response } from 'express'
import { wrongMethod } from '#core/domain/errors.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Handler = (req: Request, res: Response) => Promise<void> | void
export type Routes = Record<string, Partial<Record<Method, Handler>>>

/**
 * @param admit who may call `GET /apps/:app`; left out, whoever got this far may
 * @param wrap what is done around a handler, by its route
 */
export function routerOf(
  routes: Routes,
  admit: (route: string) => (req: Request) => Promise<void> = anybody,
  wrap: (route: string, handler: Handler) => Handler = (_route, handler) => handler,
): Router {
  const router = Router({ caseSensitive: true })
  for (const [path, handlers] of Object.entries(routes)) {
    const route = router.route(path)
    for (const [method, handler] of Object.entries(handlers)) {
      const letIn = admit(`${method} ${path}`)
      const handle = wrap(`${method} ${path}`, handler)
      route[method.toLowerCase() as 'get'](async (req, res) => {
        await letIn(req)
        await handle(req, res)
      })
    }
    const allowed = Object.keys(handlers)
    route.all((req, res) => {
      res.setHeader('Allow', allowed.join(', '))
      throw wrongMethod(req.method, allowed)
    })
  }
  return router
}

const anybody = () => () => Promise.resolve()

/** A part of the path, as text. */
export function param(req: Request, name: string): string {
  const value = req.params[name]
  return typeof value === 'string' ? value : ''
}
