/**
 * The web console: files that `npm run console:build` made, as they are or as it compressed them (`.br`, `.gz` beside them), and
 * its page at each of its addresses.
 */
import { existsSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Router, type RequestHandler } from 'express'
import precompressed from 'express-static-gzip'

const built = fileURLToPath(new URL('../../console/dist', import.meta.url))

/** Areas of the API, where nothing may look like an answer that is not one. */
const API = /^\/(v1|git|internal|metrics|healthz|assets)(\/|$)/

export function consoleFiles(folder = built): Router {
  const router = Router()
  const files = filesOf(folder)
  router.use(files)
  router.get('/', (_req, res) => {
    res.type('text/plain').send('This is Berth. Its console is not built yet: run `npm run console:build`.\n')
  })
  // The console has pages of its own below every other path: a link to one of them opens it.
  router.get('/{*path}', (req, res, next) => {
    const isPage = req.accepts('html') && req.headers.accept !== '*/*'
    if (API.test(req.path) || !isPage || !existsSync(join(folder, 'index.html'))) return next()
    req.url = '/index.html'
    files(req, res, next)
  })
  return router
}

function filesOf(folder: string): RequestHandler {
  const files = precompressed(folder, {
    enableBrotli: true,
    orderPreference: ['br', 'gzip'],
    serveStatic: { setHeaders: (res, path) => void res.setHeader('Cache-Control', cachingOf(path)) },
  })
  return (req, res, next) => {
    files(req, res, (error?: unknown) => {
      forgetEncoding(res)
      next(error)
    })
  }
}

/** Files but the page itself carry a hash of their content in their names. */
const cachingOf = (path: string): string =>
  /^index\.html(\.br|\.gz)?$/.test(basename(path)) ? 'no-cache' : 'public, max-age=31536000, immutable'

/** Of a file that went after the start: what is answered in its place is not compressed. */
function forgetEncoding(res: ServerResponse): void {
  for (const name of ['Content-Encoding', 'Content-Type', 'Vary']) res.removeHeader(name)
}
