/** Static sites: a folder of files with an index.html, or with a static.json that names it, served by a small program of ours. */
import { join } from 'node:path'
import { invalidFile, type AppFolder, type Buildpack } from '../contract.ts'
import { DEFAULT_NODE } from '../node/versions.ts'
import { readProcfile, withDefaultWeb } from '../processes.ts'
import { readStaticJson, serveSite } from './serve.ts'

const folders = ['.', 'public', 'public_html', 'dist']

export const staticSite: Buildpack = {
  name: 'static',

  async detect(app) {
    if ((await app.names()).includes('static.json'))
      return { accepted: true, what: 'Static site', because: 'static.json found' }
    const index = await indexOf(app)
    if (index !== null) return { accepted: true, what: 'Static site', because: `${join(index, 'index.html')} found` }
    return { accepted: false, lookedFor: 'static.json, index.html, public/index.html or dist/index.html, found none' }
  },

  async plan(app) {
    await readProcfile(app)
    await folderOf(app)
    return {
      runtimes: [{ name: 'node', range: DEFAULT_NODE, reason: 'runs the server of the static files' }],
      dependencies: null,
    }
  },

  async compile(build) {
    const web = await serveSite(build, await folderOf(build.app), false)
    return { processes: withDefaultWeb(await readProcfile(build.app), web), env: {} }
  },
}

/** Without a build nothing comes to be: what static.json names is there from the start. */
async function folderOf(app: AppFolder): Promise<string> {
  const { root } = (await readStaticJson(app)).settings
  if (root === null) return (await indexOf(app)) ?? '.'
  if ((await app.names(root)).length > 0) return root
  throw invalidFile(
    `static.json has the root ${JSON.stringify(root)}, and there is no such folder with files in it. Correct it and push again.`,
  )
}

async function indexOf(app: AppFolder): Promise<string | null> {
  for (const folder of folders) if (await app.has(join(folder, 'index.html'))) return folder
  return null
}
