/** Puts the server of static files into an app, with what static.json asks for. */
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assetFile } from '../assets.ts'
import type { AppFolder, Build } from '../contract.ts'
import { KIB } from '../folder.ts'
import { invalidFile } from '../contract.ts'
import { noSettings, parseStaticJson, type Parsed } from './static-json.ts'

const SERVER = '.berth/static'

/** @throws BuildFailure when there is a static.json that is wrong */
export async function readStaticJson(app: AppFolder): Promise<Parsed> {
  const text = await app.read('static.json', 256 * KIB)
  return text === null ? { settings: noSettings, warnings: [] } : parseStaticJson(text)
}

/** In the root of a repository: what is there for tools and the platform. */
const notForVisitors = [
  'static.json',
  'app.json',
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'bun.lock',
  'bun.lockb',
  'node_modules',
]

/**
 * @param usual the folder to serve when static.json names none
 * @param isBuilt whether a build wrote it
 * @returns the command for web
 */
export async function serveSite({ app, output }: Build, usual: string, isBuilt: boolean): Promise<string> {
  const { settings, warnings } = await readStaticJson(app)
  for (const warning of warnings) output.warning(warning)
  const folder = settings.root ?? usual
  const names = await app.names(folder)
  if (names.length === 0)
    throw invalidFile(
      `static.json has the root ${JSON.stringify(folder)}, and after the build there is no such folder with files in it. ` +
        'Name the folder that the build writes, and push again.',
    )
  const fallback =
    isBuilt && settings.routes.length === 0 && settings.errorPage === null && (await isSinglePage(app, folder))
      ? 'index.html'
      : null
  await mkdir(join(app.path, SERVER), { recursive: true })
  await cp(assetFile('static'), join(app.path, SERVER), { recursive: true })
  const hidden = folder === '.' ? notForVisitors : []
  await writeFile(join(app.path, SERVER, 'settings.json'), JSON.stringify({ ...settings, fallback, hidden }))
  output.title(folder === '.' ? 'Serving the root of the repository' : `Serving the folder ${folder}/`)
  if (fallback) output.line('index.html is its only page, and answers every path that looks like one')
  return `node ${SERVER}/server.mjs ${folder}`
}

const MAX_LOOKED_AT = 20_000

/**
 * Whether a build left one page that shows all others by script: index.html, and no other page. A repository that is served
 * as it is says so itself, by a route in static.json.
 */
async function isSinglePage(app: AppFolder, folder: string): Promise<boolean> {
  const names = await readdir(join(app.path, folder), { recursive: true }).catch(() => [])
  const pages = names.length > MAX_LOOKED_AT ? [] : names.filter((name) => /\.html?$/i.test(name))
  return pages.length === 1 && pages[0] === 'index.html'
}
