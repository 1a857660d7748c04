/** Ruby apps: a Gemfile, gems by Bundler, Rails' assets, and the command for web. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Procfile } from '#core/domain/procfile.ts'
import { invalidFile, type AppFolder, type Build, type Buildpack, type RuntimeNeed } from '../contract.ts'
import { KIB, MIB } from '../folder.ts'
import { isOpen, readProcfile, withDefaultWeb } from '../processes.ts'
import { asksForToolchain, toolchainNeed } from '../toolchain.ts'
import { anyIsCompiled, vendoredGems, VENDORED } from './gems.ts'
import { askedRuby, fitsPlatform, parseLockfile, type AskedRuby, type Lockfile } from './lockfile.ts'
import { defaultWeb } from './processes.ts'

const GEMS = 'vendor/bundle'

export const ruby: Buildpack = {
  name: 'ruby',

  async detect(app) {
    const found = (await app.names()).includes('Gemfile')
    if (!found) return { accepted: false, lookedFor: 'Gemfile, found none' }
    const text = await app.read('Gemfile.lock', 4 * MIB)
    const rails = text !== null && parseLockfile(text).gems.has('railties')
    return { accepted: true, what: rails ? 'Rails app' : 'Ruby app', because: 'Gemfile found' }
  },

  async plan(app, stack) {
    const rubyApp = await readRubyApp(app)
    processesOf(rubyApp)
    const { asked, lockText, lock } = rubyApp
    const needs: RuntimeNeed[] = [
      {
        name: 'ruby',
        range: asked?.range ?? '*',
        reason: asked ? `${asked.file} asks for ${asked.asked}` : 'the Ruby of the stack',
      },
    ]
    if (await asksForToolchain(app)) needs.push(toolchainNeed)
    else if (compiles(app, rubyApp))
      needs.push({ ...toolchainNeed, reason: 'compiles gems; it is not there when the app runs' })
    const key = createHash('sha256')
      .update(JSON.stringify([1, stack, lockText, rubyApp.gemfile]))
      .digest('hex')
    return { runtimes: needs, dependencies: lock.local ? null : { key, paths: [GEMS] } }
  },

  async compile(build) {
    const rubyApp = await readRubyApp(build.app)
    const env = { ...build.env, ...bundlerEnv(build.app.path) }
    if (build.dependenciesReused) build.output.title('Gems are those of the build before: nothing to install')
    else await install(build, rubyApp, env)
    await precompile(build, rubyApp, env)
    return { processes: processesOf(rubyApp), env: runtimeEnv(rubyApp) }
  },
}

// ── what the app brings ──────────────────────────────────────────────────────────────────────────────────────────────

export type RubyApp = {
  procfile: Procfile | null
  names: string[]
  gemfile: string
  lockText: string
  lock: Lockfile
  gems: Lockfile['gems']
  asked: AskedRuby | null
  vendored: string[]
  hasPumaConfig: boolean
  /** Compiled assets are in the repository. */
  hasAssets: boolean
}

async function readRubyApp(app: AppFolder): Promise<RubyApp> {
  const gemfile = (await app.read('Gemfile', MIB)) ?? ''
  const lockText = await app.read('Gemfile.lock', 4 * MIB)
  if (lockText === null)
    throw invalidFile(
      'There is no Gemfile.lock, so nobody knows which gems to install. Run: bundle lock, commit Gemfile.lock and push again.',
    )
  const lock = parseLockfile(lockText)
  const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  if (!fitsPlatform(lock.platforms, architecture))
    throw invalidFile(
      `Gemfile.lock is for ${lock.platforms.join(' and ').slice(0, 100)}, and this host is ${architecture}-linux. Run: bundle lock --add-platform ${architecture}-linux, commit Gemfile.lock and push again.`,
    )
  return {
    procfile: await readProcfile(app),
    names: await app.names(),
    gemfile,
    lockText,
    lock,
    gems: lock.gems,
    asked: askedRuby(gemfile, await app.read('.ruby-version', KIB)),
    vendored: await vendoredGems(app),
    hasPumaConfig: await app.has('config/puma.rb'),
    hasAssets: (await app.names('public/assets')).length > 0,
  }
}

/** Only where all gems are in the repository can be seen whether one of them is compiled. */
function compiles(app: AppFolder, { gems, vendored, lock }: RubyApp): boolean {
  if (gems.size === 0) return false
  const isVendored = (gem: string) => vendored.some((file) => file.startsWith(`${gem}-`))
  return lock.git || ![...gems].every(isVendored) || anyIsCompiled(app, vendored)
}

function processesOf(rubyApp: RubyApp): Procfile {
  const { procfile } = rubyApp
  if (procfile && !isOpen(procfile)) return procfile
  const web = defaultWeb(rubyApp)
  if (web !== null) return withDefaultWeb(procfile, web)
  throw invalidFile(
    'Nothing says how to start this app: there is no Procfile with a process, no Rails, and no config.ru beside puma, falcon, unicorn or rackup in Gemfile.lock. ' +
      'Add a Procfile with a line such as "web: bundle exec puma -b tcp://0.0.0.0:$PORT".',
  )
}

// ── installing ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Of the environment, since .bundle/config in the app is the developer's. */
const bundlerEnv = (folder: string): Record<string, string> => ({
  BUNDLE_GEMFILE: join(folder, 'Gemfile'),
  BUNDLE_PATH: join(folder, GEMS),
  BUNDLE_DEPLOYMENT: '1',
  BUNDLE_WITHOUT: 'development:test',
  // Not the one that Gemfile.lock was written with, which would be fetched first.
  BUNDLE_VERSION: 'system',
})

async function install(build: Build, { vendored }: RubyApp, env: NodeJS.ProcessEnv): Promise<void> {
  const local = vendored.length > 0
  const jobs = ['--jobs', '4', '--retry', '2']
  await build.run({
    title: local ? `Installing the gems of ${VENDORED}` : 'Installing the gems of Gemfile.lock',
    shown: ['bundle install', ...(local ? ['--local'] : [])].join(' '),
    argv: ['/usr/bin/bundle', 'install', ...(local ? ['--local'] : []), ...jobs],
    env: { ...env, BUNDLE_USER_CACHE: join(build.cacheFolder, 'bundler'), BUNDLE_GLOBAL_GEM_CACHE: '1' },
    ...(local ? {} : { fetches: true as const }),
  })
}

async function precompile(build: Build, { gems, hasAssets }: RubyApp, env: NodeJS.ProcessEnv): Promise<void> {
  const pipeline = ['propshaft', 'sprockets-rails'].find((gem) => gems.has(gem))
  if (!gems.has('railties') || pipeline === undefined) return
  if (hasAssets) return build.output.title('Assets are compiled already: public/assets is in the repository')
  await build.run({
    title: 'Compiling assets',
    shown: 'rails assets:precompile',
    argv: ['/usr/bin/bundle', 'exec', 'rails', 'assets:precompile'],
    // Rails refuses to start in production without a secret, and this one is never used.
    env: { SECRET_KEY_BASE_DUMMY: '1', RAILS_ENV: 'production', RACK_ENV: 'production', ...env },
  })
}

const runtimeEnv = ({ gems }: RubyApp): Record<string, string> => ({
  ...bundlerEnv('/app'),
  RACK_ENV: 'production',
  ...(gems.has('railties') ? { RAILS_ENV: 'production', RAILS_LOG_TO_STDOUT: '1', RAILS_SERVE_STATIC_FILES: '1' } : {}),
})
