/** The web console: files that `npm run console:build` made, as they are. */
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { Router } from 'express'

const built = fileURLToPath(new URL('../../console/dist', import.meta.url))

export function consoleFiles(folder = built): Router {
  const router = Router()
  router.use(
    express.static(folder, {
      setHeaders(res, path) {
        // Other files carry a hash of their content in their names.
        res.setHeader('Cache-Control', basename(path) === 'index.html' ? 'no-cache' : 'public, max-age=3600')
      },
    }),
  )
  router.get('/', (_req, res) => {
    res.type('text/plain').send('This is Berth. Its console is not built yet: run `npm run console:build`.\n')
  })
  return router
}
