/** PHP apps: packages by Composer, served by nginx and php-fpm as the app's own user. */
import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { assetFile } from '../assets.ts'
import type { AppFolder, Build, Buildpack, Command, DependencyLayer } from '../contract.ts'
import { invalidFile } from '../contract.ts'
import { MIB } from '../folder.ts'
import { isOpen, readProcfile, withDefaultWeb } from '../processes.ts'
import { parseComposer, type Composer } from './composer.ts'

const PACKAGES = 'vendor'
const SERVER = '.berth/php'
const serverFiles = ['serve', 'fpm.conf', 'nginx.conf']
/** Folders that frameworks keep their pages in. */
const publicFolders = ['public', 'web']

export const php: Buildpack = {
  name: 'php',

  async detect(app) {
    const names = await app.names()
    for (const name of ['composer.json', 'index.php'])
      if (names.includes(name)) return { accepted: true, what: 'PHP app', because: `${name} found` }
    for (const folder of publicFolders)
      if (await app.has(`${folder}/index.php`))
        return { accepted: true, what: 'PHP app', because: `${folder}/index.php found` }
    return { accepted: false, lookedFor: 'composer.json, index.php or public/index.php, found none' }
  },

  async plan(app, stack) {
    const composer = await readComposer(app)
    await processesOf(app, composer)
    const asked = composer?.php
    return {
      runtimes: [
        {
          name: 'php',
          range: asked?.range ?? '*',
          reason: asked ? `composer.json asks for ${asked.asked.slice(0, 100)}` : 'the PHP of the stack',
        },
      ],
      dependencies: composer === null ? null : await dependencyLayer(app, composer, stack),
    }
  },

  async compile(build) {
    const { app, output } = build
    const composer = await readComposer(app)
    if (composer !== null) await install(build, composer)
    await mkdir(join(app.path, SERVER), { recursive: true })
    for (const name of serverFiles) await copyFile(assetFile('php', name), join(app.path, SERVER, name))
    await chmod(join(app.path, SERVER, 'serve'), 0o755)
    output.title(`Serving ${shownFolder(await documentRoot(app, composer))} by nginx and php-fpm`)
    return { processes: await processesOf(app, composer), env: {} }
  },
}

const readComposer = async (app: AppFolder): Promise<Composer | null> => {
  const text = await app.read('composer.json', MIB)
  return text === null ? null : parseComposer(text)
}

// ── what runs ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function processesOf(app: AppFolder, composer: Composer | null) {
  const procfile = await readProcfile(app)
  if (procfile && !isOpen(procfile)) return procfile
  const folder = await documentRoot(app, composer)
  const names = await app.names(folder)
  if (!names.includes('index.php') && !names.includes('index.html'))
    throw invalidFile(
      `There is no index.php in ${shownFolder(folder)}, which would be served. Name the folder with the pages in composer.json ` +
        '({"extra": {"berth": {"document-root": "public"}}}), or add a Procfile with a line such as "web: .berth/php/serve public".',
    )
  return withDefaultWeb(procfile, folder === '.' ? `${SERVER}/serve` : `${SERVER}/serve ${folder}`)
}

async function documentRoot(app: AppFolder, composer: Composer | null): Promise<string> {
  if (composer?.documentRoot) return composer.documentRoot
  for (const folder of publicFolders) if (await app.has(`${folder}/index.php`)) return folder
  return '.'
}

const shownFolder = (folder: string): string =>
  folder === '.' ? 'the root of the repository' : `the folder ${folder}/`

// ── packages ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** In the repository already, and taken as it is. */
const isVendored = (app: AppFolder): Promise<boolean> => app.has(`${PACKAGES}/autoload.php`)

/** What lies in the app itself, or is found by looking through it, is as new as the app. */
async function dependencyLayer(app: AppFolder, composer: Composer, stack: string): Promise<DependencyLayer | null> {
  if (composer.local || composer.classmap || (await isVendored(app))) return null
  const texts = [await app.read('composer.json', MIB), await app.read('composer.lock', 16 * MIB)]
  const key = createHash('sha256')
    .update(JSON.stringify([1, stack, texts]))
    .digest('hex')
  return { key, paths: [PACKAGES] }
}

async function install(build: Build, composer: Composer): Promise<void> {
  const { app, output } = build
  if (build.dependenciesReused) output.title('Packages are those of the build before: nothing to install')
  else if (await isVendored(app)) return output.title('Packages are those in vendor/: nothing to install')
  else {
    if (composer.packages.length > 0 && !(await app.has('composer.lock')))
      output.warning(
        'There is no composer.lock, so each build takes the newest packages that fit. Commit one: composer update.',
      )
    await build.run(
      step(build, 'Installing the packages of composer.json', {
        shown: 'composer install --no-dev',
        args: ['install', '--no-dev', '--no-scripts', '--prefer-dist', '--no-progress'],
        fetches: true,
      }),
    )
  }
  for (const name of ['post-install-cmd', 'post-autoload-dump'].filter((one) => composer.scripts.includes(one)))
    await build.run(
      step(build, `Running ${name}`, { shown: `composer run-script ${name}`, args: ['run-script', '--no-dev', name] }),
    )
}

/** Scripts are the app's own, and write where they like: they run in every build, whether or not packages are reused. */
function step(
  { app, cacheFolder, env }: Build,
  title: string,
  { shown, args, fetches }: { shown: string; args: string[]; fetches?: true },
): Command {
  return {
    title,
    shown,
    argv: ['/usr/bin/composer', '--no-interaction', '--no-ansi', `--working-dir=${app.path}`, ...args],
    env: { ...env, COMPOSER_HOME: '/tmp/composer', COMPOSER_CACHE_DIR: join(cacheFolder, 'composer') },
    ...(fetches ? { fetches } : {}),
  }
}
