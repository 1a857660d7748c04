/** Go apps: a module is compiled to static programs in bin/; neither Go nor its source is there when they run. */
import { existsSync } from 'node:fs'
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ask } from '../ask.ts'
import type { AppFolder, Build, Buildpack } from '../contract.ts'
import { MIB } from '../folder.ts'
import { readProcfile } from '../processes.ts'
import { asksForToolchain, toolchainNeed } from '../toolchain.ts'
import { ignoredToolchain, parseModule, refuseNewerGo, STACK_GO, type GoModule } from './module.ts'
import { checkedPrograms, goProcesses, LIST_FORMAT, programsOf, type Program } from './programs.ts'

export const go: Buildpack = {
  name: 'go',

  async detect(app) {
    if (await app.has('go.mod')) return { accepted: true, what: 'Go app', because: 'go.mod found' }
    return { accepted: false, lookedFor: 'go.mod, found none' }
  },

  async plan(app) {
    const module = await readModule(app)
    refuseNewerGo(module)
    await readProcfile(app)
    const reason = module.needs
      ? `compiles the app; go.mod asks for ${module.needs.version} or newer`
      : 'compiles the app; go.mod asks for no version'
    const toolchain = (await asksForToolchain(app)) ? [toolchainNeed] : []
    return { runtimes: [{ name: 'go', range: STACK_GO, reason }, ...toolchain], dependencies: null }
  },

  async compile(build) {
    const { app, output } = build
    const warning = ignoredToolchain(await readModule(app))
    if (warning !== null) output.warning(warning)
    const vendored = await app.has('vendor/modules.txt')
    const env = goEnvironment(build, { vendored, cgo: await asksForToolchain(app) })
    if (vendored) output.title('Dependencies are those in vendor/')
    else if (await app.has('go.sum'))
      await build.run({ title: 'Fetching modules', shown: 'go mod download', argv: ['go', 'mod', 'download'], env })
    await seedCache(env['GOCACHE'])
    const programs = await findPrograms(build, env)
    const processes = goProcesses(await readProcfile(app), programs)
    await compilePrograms(build, programs, env)
    await dropSource(app)
    output.line('the slug holds the programs and what is not Go: the source stays out')
    return { processes, env: {} }
  },
}

async function readModule(app: AppFolder): Promise<GoModule> {
  return parseModule((await app.read('go.mod', MIB)) ?? '')
}

// ── compiling ────────────────────────────────────────────────────────────────────────────────────────────────────────

type Choices = { vendored: boolean; cgo: boolean }

/** What the app's config says wins, but for where files are kept. */
export function goEnvironment({ env, cacheFolder }: Pick<Build, 'env' | 'cacheFolder'>, { vendored, cgo }: Choices) {
  return {
    // A compiler that was downloaded by another is none of the stack's, and would not be the one that was named.
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: cgo ? '1' : '0',
    GOFLAGS: vendored ? '-mod=vendor' : '-modcacherw',
    ...env,
    GOCACHE: join(cacheFolder, 'go', 'build'),
    GOMODCACHE: join(cacheFolder, 'go', 'modules'),
    GOPATH: '/tmp/go',
  } satisfies NodeJS.ProcessEnv
}

/** The library of the language, compiled when the runtime was made (agent/runtimes/packages.ts) with the flags that are used here. */
const COMPILED_LIBRARY = '/usr/lib/berth/go-cache'

/** Gives an app's first build what it would compile else; a cache that cannot hold it is one that is filled as it goes. */
async function seedCache(cache: string): Promise<void> {
  if (existsSync(cache) || !existsSync(COMPILED_LIBRARY)) return
  await cp(COMPILED_LIBRARY, cache, { recursive: true }).catch(() => rm(cache, { recursive: true, force: true }))
}

async function findPrograms({ app }: Build, env: NodeJS.ProcessEnv): Promise<Program[]> {
  const wished = env['GO_INSTALL_PACKAGE_SPEC']?.trim().split(/\s+/) ?? []
  const patterns = wished.some((one) => one !== '') ? wished.map(asPattern) : ['./...']
  const listed = await ask({
    argv: ['go', 'list', '-f', LIST_FORMAT, '--', ...patterns],
    env,
    folder: app.path,
  })
  return checkedPrograms(programsOf(listed))
}

/** Heroku's users write `.` and `./cmd/...`, and `cmd/web` too. */
const asPattern = (text: string): string => (/^[./]/.test(text) ? text : `./${text}`)

async function compilePrograms(build: Build, programs: Program[], env: NodeJS.ProcessEnv): Promise<void> {
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', 'bin/']
  const paths = programs.map(({ path }) => path)
  await build.run({
    title: `Compiling ${programs.map(({ name }) => `bin/${name}`).join(', ')}`,
    shown: `go build ${paths.join(' ')}`,
    argv: ['go', 'build', ...flags, '--', ...paths],
    env,
  })
}

// ── the source ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Programs carry all of their source that they need; what else the app has (templates, pages) stays. */
async function dropSource(app: AppFolder): Promise<void> {
  if (await app.has('vendor/modules.txt')) await rm(join(app.path, 'vendor'), { recursive: true, force: true })
  async function visit(folder: string): Promise<void> {
    for (const entry of await readdir(join(app.path, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) await visit(path)
      else if (isSource(entry.name)) await rm(join(app.path, path))
    }
  }
  await visit('.')
}

const moduleFiles = ['go.mod', 'go.sum', 'go.work', 'go.work.sum']
const isSource = (name: string): boolean => name.endsWith('.go') || moduleFiles.includes(name)
