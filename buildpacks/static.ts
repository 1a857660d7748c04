/** Static sites: a folder of files with an index.html, served by a small program of ours. */
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppFolder, Buildpack } from './contract.ts'
import { DEFAULT_NODE } from './node.ts'
import { readProcfile, withDefaultWeb } from './processes.ts'

const folders = ['.', 'public', 'dist']
const SERVER = '.berth/static-server.mjs'

export const staticSite: Buildpack = {
  name: 'static',

  async detect(app) {
    const index = await indexOf(app)
    if (index !== null) return { accepted: true, what: 'Static site', because: `${join(index, 'index.html')} found` }
    return { accepted: false, lookedFor: 'index.html, public/index.html or dist/index.html, found none' }
  },

  async plan(app) {
    await readProcfile(app)
    return {
      runtimes: [{ name: 'node', range: DEFAULT_NODE, reason: 'runs the server of the static files' }],
      dependencies: null,
    }
  },

  async compile({ app, output }) {
    const root = (await indexOf(app)) ?? '.'
    await mkdir(join(app.path, '.berth'), { recursive: true })
    await copyFile(join(import.meta.dirname, 'assets', 'static-server.mjs'), join(app.path, SERVER))
    output.title(root === '.' ? 'Serving the root of the repository' : `Serving the folder ${root}/`)
    return { processes: withDefaultWeb(await readProcfile(app), `node ${SERVER} ${root}`), env: {} }
  },
}

async function indexOf(app: AppFolder): Promise<string | null> {
  for (const folder of folders) if (await app.has(join(folder, 'index.html'))) return folder
  return null
}
