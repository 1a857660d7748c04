/** What tells of Berth itself: its version, the sample apps, and the command line to install. */
import { readFile } from 'node:fs/promises'
import type { RequestHandler } from 'express'
import type { TemplateDetail, TemplatesView, VersionView } from '#core/contract/tools.ts'
import { createCliPackage } from '../cli-package.ts'
import { openTemplates, type Templates } from '../templates.ts'
import type { ApiContext } from './context.ts'
import { param, type Routes } from './routes.ts'

export const toolRoutes = (templates: Templates = openTemplates()): Routes => ({
  '/version': {
    async GET(_req, res) {
      res.json({ version: await version(), cli: '/cli.tgz' } satisfies VersionView)
    },
  },
  '/templates': {
    async GET(_req, res) {
      const all = await templates.list()
      res.json({ templates: all.map(withoutFiles) } satisfies TemplatesView)
    },
  },
  '/templates/:template': {
    async GET(req, res) {
      res.json((await templates.find(param(req, 'template'))) satisfies TemplateDetail)
    },
  },
})

/** `GET /cli.tgz`, for anybody: npm sends no token, and there is nothing in it but this checkout's command line. */
export function cliPackage({ config }: Pick<ApiContext, 'config'>): RequestHandler {
  const load = createCliPackage(config.home)
  return async (_req, res) => {
    const { tarball, digest } = await load()
    res.setHeader('ETag', `"${digest}"`)
    res.setHeader('Cache-Control', 'no-cache')
    // Answers 304 to whoever has it, by the ETag.
    res.type('application/gzip').send(tarball)
  }
}

const withoutFiles = ({ name, title, summary, language, processes }: TemplateDetail) => ({
  name,
  title,
  summary,
  language,
  processes,
})

async function version(): Promise<string> {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
