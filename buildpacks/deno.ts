/** Deno apps: a deno.json or deno.lock, modules fetched ahead into a cache that becomes a layer, the start task or main file. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Procfile } from '#core/domain/procfile.ts'
import { invalidFile, type AppFolder, type Build, type Buildpack, type DependencyLayer } from './contract.ts'
import { MIB } from './folder.ts'
import { isObject, parseJsonObject, type JsonObject } from './json-object.ts'
import { isOpen, readProcfile, withDefaultWeb } from './processes.ts'

const configs = ['deno.json', 'deno.jsonc']
const LOCK = 'deno.lock'
const entries = ['main.ts', 'main.tsx', 'main.js', 'server.ts', 'mod.ts', 'index.ts', 'src/main.ts', 'src/server.ts']
/** Deno's cache of modules, below the app's folder. */
const MODULES = '.berth/deno'

export const deno: Buildpack = {
  name: 'deno',

  async detect(app) {
    const names = await app.names()
    const found = [...configs, LOCK].find((name) => names.includes(name))
    // A package.json beside it may be a Node app's whose editor uses Deno: what starts it decides.
    if (found !== undefined && !(names.includes('package.json') && (await startsWithNode(app))))
      return { accepted: true, what: 'Deno app', because: `${found} found` }
    return { accepted: false, lookedFor: 'deno.json, deno.jsonc or deno.lock, found none' }
  },

  async plan(app, stack) {
    const denoApp = await readDenoApp(app)
    denoProcesses(denoApp)
    return {
      runtimes: [{ name: 'deno', ...denoVersion(denoApp) }],
      dependencies: dependencyLayer(denoApp, stack),
    }
  },

  async compile(build) {
    const denoApp = await readDenoApp(build.app)
    if (build.dependenciesReused) build.output.title('Modules are those of the build before: nothing to fetch')
    else await install(build, denoApp)
    if (denoApp.tasks.has('build')) await runDeno(build, 'Building', ['task', 'build'])
    return {
      processes: denoProcesses(await readDenoApp(build.app)),
      env: { DENO_DIR: `/app/${MODULES}`, DENO_NO_UPDATE_CHECK: '1', NODE_ENV: 'production' },
    }
  },
}

// ── what the app brings ──────────────────────────────────────────────────────────────────────────────────────────────

export type DenoApp = {
  config: JsonObject
  tasks: Map<string, string>
  procfile: Procfile | null
  lock: string | null
  /** .dvmrc or .deno-version, without the v. */
  asked: { name: string; version: string } | null
  /** The first of the usual entry files that is there. */
  entry: string | null
  packageJson: string | null
}

export async function readDenoApp(app: AppFolder): Promise<DenoApp> {
  const config = await readConfig(app)
  let entry: string | null = null
  for (const name of entries) if (entry === null && (await app.has(name))) entry = name
  return {
    config,
    tasks: tasksOf(config),
    procfile: await readProcfile(app),
    lock: await app.read(LOCK, 32 * MIB),
    asked: await askedVersion(app),
    entry,
    packageJson: await app.read('package.json', MIB),
  }
}

async function readConfig(app: AppFolder): Promise<JsonObject> {
  for (const name of configs) {
    const text = await app.read(name, MIB)
    // Deno reads comments in both.
    if (text !== null) return parseJsonObject(name, text, 'jsonc')
  }
  return {}
}

/** A task is a command, or an object with one (Deno 2.1). */
function tasksOf(config: JsonObject): Map<string, string> {
  const tasks = config['tasks'] ?? {}
  if (!isObject(tasks)) throw invalidFile('deno.json: "tasks" must be an object. Correct it and push again.')
  const found = new Map<string, string>()
  for (const [name, task] of Object.entries(tasks)) {
    const command: unknown = isObject(task) ? (task['command'] ?? '') : task
    if (typeof command !== 'string')
      throw invalidFile(
        `deno.json: "tasks.${name.slice(0, 80)}" must be a command or an object with one. Correct it and push again.`,
      )
    found.set(name, command)
  }
  return found
}

async function askedVersion(app: AppFolder): Promise<DenoApp['asked']> {
  for (const name of ['.dvmrc', '.deno-version']) {
    const version = (await app.read(name, 1024))?.trim().replace(/^v(?=\d)/, '')
    if (version) return { name, version }
  }
  return null
}

async function startsWithNode(app: AppFolder): Promise<boolean> {
  const text = (await app.read('package.json', MIB)) ?? '{}'
  const { scripts } = parseJsonObject('package.json', text)
  return isObject(scripts) && typeof scripts['start'] === 'string' && !/\bdeno\b/.test(scripts['start'])
}

// ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────────

export function denoVersion({ asked, lock }: Pick<DenoApp, 'asked' | 'lock'>): { range: string; reason: string } {
  if (asked && !/^[\w.*^~<>=| -]{1,100}$/.test(asked.version))
    throw invalidFile(
      `${asked.name} must be a version such as "2.9.6", got ${JSON.stringify(asked.version.slice(0, 100))}.`,
    )
  if (asked) return { range: asked.version, reason: `${asked.name} asks for ${asked.version}` }
  const format = Number(/"version"\s*:\s*"(\d+)"/.exec(lock ?? '')?.[1] ?? 0)
  if (format > 0 && format < 4) return { range: '1.x', reason: 'deno.lock was made by such a version' }
  return { range: '2.x', reason: 'the current major version; .dvmrc chooses another' }
}

/** Modules follow from the lockfile alone, while no code of the app's has a part in them. */
function dependencyLayer({ config, lock, tasks, packageJson }: DenoApp, stack: string): DependencyLayer {
  const isFixed = lock !== null && packageJson === null && !tasks.has('build') && config['workspace'] === undefined
  const usesNodeModules = config['nodeModulesDir'] !== undefined || packageJson !== null
  const decisive = JSON.stringify(['deno 1', stack, config, lock])
  return {
    key: isFixed ? createHash('sha256').update(decisive).digest('hex') : null,
    paths: usesNodeModules ? [MODULES, 'node_modules'] : [MODULES],
  }
}

/** The Procfile's processes; for web, where it names none, the start task, or the entry file with every permission: the sandbox is the fence. */
export function denoProcesses({ procfile, tasks, entry, config }: DenoApp): Procfile {
  const named: Procfile = { ...procfile }
  if (Object.hasOwn(named, 'web')) return named
  if (tasks.has('start')) return withDefaultWeb(procfile, 'deno task start')
  if (!isOpen(procfile)) return named
  const main = entry ?? (typeof config['exports'] === 'string' ? config['exports'].replace(/^\.\//, '') : null)
  if (main !== null && /^[\w@.+-]+(\/[\w@.+-]+)*$/.test(main)) return withDefaultWeb(procfile, `deno run -A ${main}`)
  throw invalidFile(
    'Nothing says how to start this app: deno.json has no start task, and there is no main.ts, server.ts or Procfile. ' +
      'Add "tasks": { "start": "deno run -A main.ts" } to deno.json, or a Procfile with a line such as "web: deno run -A main.ts".',
  )
}

// ── modules ──────────────────────────────────────────────────────────────────────────────────────────────────────────

async function install(build: Build, { entry, lock }: DenoApp): Promise<void> {
  if (lock === null)
    build.output.warning('There is no deno.lock: each build may fetch other versions. Commit one (deno install).')
  const frozen = lock === null ? [] : ['--frozen']
  // With an entry, what it imports without naming it in deno.json is fetched too.
  await runDeno(build, 'Fetching modules', ['install', ...frozen, ...(entry === null ? [] : ['--entrypoint', entry])])
}

async function runDeno(build: Build, title: string, args: string[]): Promise<void> {
  const { app, buildFolder, runtimesFolder, env } = build
  const program = join(runtimesFolder, 'deno', 'bin', 'deno')
  await build.run({
    title,
    shown: ['deno', ...args].join(' '),
    argv: [program, ...args],
    env: {
      ...env,
      PATH: [join(runtimesFolder, 'deno', 'bin'), env['PATH'] ?? '/usr/bin:/bin'].join(':'),
      HOME: env['HOME'] ?? buildFolder,
      DENO_DIR: join(app.path, MODULES),
      DENO_NO_UPDATE_CHECK: '1',
      DENO_TLS_CA_STORE: env['DENO_TLS_CA_STORE'] ?? 'mozilla,system',
      NO_COLOR: '1',
    },
  })
}
