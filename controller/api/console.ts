/** The web console: files that `npm run console:build` made, as they are, and its page at each of its addresses. */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { Router } from 'express'

const built = fileURLToPath(new URL('../../console/dist', import.meta.url))

/** Areas of the API, where nothing may look like an answer that is not one. */
const API = /^\/(v1|git|internal|metrics|healthz|assets)(\/|$)/

export function consoleFiles(folder = built): Router {
  const router = Router()
  const page = join(folder, 'index.html')
  router.use(
    express.static(folder, {
      setHeaders(res, path) {
        // Other files carry a hash of their content in their names.
        const isNamed = basename(path) === 'index.html'
        res.setHeader('Cache-Control', isNamed ? 'no-cache' : 'public, max-age=31536000, immutable')
      },
    }),
  )
  router.get('/', (_req, res) => {
    res.type('text/plain').send('This is Berth. Its console is not built yet: run `npm run console:build`.\n')
  })
  // The console has pages of its own below every other path: a link to one of them opens it.
  router.get('/{*path}', (req, res, next) => {
    if (API.test(req.path) || !req.accepts('html') || req.headers.accept === '*/*' || !existsSync(page)) return next()
    res.sendFile(page, { headers: { 'Cache-Control': 'no-cache' } })
  })
  return router
}
