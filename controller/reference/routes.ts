/** The API's document, and a page to read it by. Neither is secret: what Berth can do stands in its source. */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Router, type RequestHandler } from 'express'
import { notFound } from '#core/domain/errors.ts'
import { apiDocument } from './document.ts'
import { referencePage } from './page.ts'

export const DOCUMENT_PATH = '/v1/openapi.json'
const PAGE_PATH = '/docs/api'

export function referenceRoutes(): Router {
  const router = Router({ caseSensitive: true })
  router.get(
    DOCUMENT_PATH,
    whole('application/json', () => JSON.stringify(apiDocument())),
  )
  router.get(
    PAGE_PATH,
    whole('text/html', () => referencePage(apiDocument())),
  )
  router.get(
    `${PAGE_PATH}/reference.css`,
    whole('text/css', () => fileHere('reference.css')),
  )
  router.get(
    `${PAGE_PATH}/search.js`,
    whole('text/javascript', () => fileHere('search.js')),
  )
  router.all(`${PAGE_PATH}/*rest`, (req) => {
    throw notFound('page', req.path.slice(0, 200))
  })
  return router
}

/** Made when it is first asked for, and once: it changes only with the program. */
function whole(type: string, make: () => string): RequestHandler {
  let made: { text: string; etag: string } | null = null
  return (req, res) => {
    if (made === null) {
      const text = make()
      made = { text, etag: `"${hash('sha256', text).slice(0, 32)}"` }
    }
    res.setHeader('ETag', made.etag)
    res.setHeader('Cache-Control', 'no-cache')
    if (req.headers['if-none-match'] === made.etag) return void res.status(304).end()
    res.type(type).send(made.text)
  }
}

const fileHere = (name: string): string => readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8')
