/** Node.js apps: a package.json, dependencies by npm, a build script, and the command for web. */
import { createHash } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessType } from '#core/domain/ids.ts'
import type { Procfile } from '#core/domain/procfile.ts'
import { invalidFile, type AppFolder, type Build, type Buildpack, type DependencyLayer } from './contract.ts'
import { KIB, MIB } from './folder.ts'
import { parsePackageJson, type PackageJson } from './package-json.ts'
import { isOpen, readProcfile, withDefaultWeb } from './processes.ts'

/** The long-term support line of today: what an app gets that asks for nothing. */
export const DEFAULT_NODE = '24.x'
const NPM = '10.x'

export const node: Buildpack = {
  name: 'node',

  async detect(app) {
    const found = (await app.names()).includes('package.json')
    if (!found) return { accepted: false, lookedFor: 'package.json, found none' }
    return { accepted: true, what: titleOf(await readPackage(app)), because: 'package.json found' }
  },

  async plan(app, stack) {
    const nodeApp = await readNodeApp(app)
    refuseOtherLockfiles(nodeApp)
    // With a build script, the file that web runs may not be there yet.
    if (!nodeApp.package.scripts.has('build')) nodeProcesses(nodeApp)
    const wanted = nodeVersion(nodeApp)
    return {
      runtimes: [
        { name: 'node', ...wanted },
        { name: 'npm', range: NPM, reason: 'installs the dependencies; it is not there when the app runs' },
      ],
      dependencies: dependencyLayer(nodeApp, wanted.range, stack),
    }
  },

  async compile(build) {
    const nodeApp = await readNodeApp(build.app)
    const env = await prepareNpm(build, nodeApp)
    if (build.dependenciesReused) build.output.title('Dependencies are those of the build before: nothing to install')
    const steps = build.dependenciesReused ? [] : npmSteps(nodeApp)
    for (const warning of warningsFor(nodeApp)) build.output.warning(warning)
    for (const { title, args } of steps)
      await build.run({
        title,
        shown: ['npm', ...args].join(' '),
        argv: [join(build.buildFolder, 'bin', 'npm'), ...args],
        env,
        ...(['ci', 'install'].includes(args[0] ?? '') ? { fetches: true as const } : {}),
      })
    // Read again: a build script may have made the file that web runs.
    const processes = nodeProcesses(await readNodeApp(build.app))
    for (const warning of npmAtRunTime(processes)) build.output.warning(warning)
    return { processes, env: { NODE_ENV: 'production' } }
  },
}

// ── what the app brings ──────────────────────────────────────────────────────────────────────────────────────────────

/** All that decides a build, read once; a file's text is null when there is no such file. */
export type NodeApp = {
  package: PackageJson
  procfile: Procfile | null
  /** package-lock.json, or npm-shrinkwrap.json, which npm prefers. */
  lockfile: { name: string; text: string } | null
  npmrc: string | null
  versionFile: { name: string; text: string } | null
  /** Names of the files in the root. */
  names: string[]
  /** Whether `main` is there, in whatever folder. */
  hasMain: boolean
}

export async function readNodeApp(app: AppFolder): Promise<NodeApp> {
  const json = await readPackage(app)
  return {
    package: json,
    procfile: await readProcfile(app),
    lockfile: await firstOf(app, ['npm-shrinkwrap.json', 'package-lock.json'], 32 * MIB),
    npmrc: await app.read('.npmrc', 64 * KIB),
    versionFile: await firstOf(app, ['.nvmrc', '.node-version'], KIB),
    names: await app.names(),
    hasMain: json.main !== null && (await app.has(json.main)),
  }
}

async function readPackage(app: AppFolder): Promise<PackageJson> {
  return parsePackageJson((await app.read('package.json', MIB)) ?? '')
}

async function firstOf(app: AppFolder, names: string[], limitBytes: number) {
  for (const name of names) {
    const text = await app.read(name, limitBytes)
    if (text !== null) return { name, text }
  }
  return null
}

const frameworks = { next: 'Next.js', '@nestjs/core': 'Nest', express: 'Express', fastify: 'Fastify', koa: 'Koa' }

function titleOf({ dependencies }: PackageJson): string {
  const framework = Object.entries(frameworks).find(([name]) => dependencies.has(name))
  return framework ? `${framework[1]}/Node.js app` : 'Node.js app'
}

const otherLockfiles: Record<string, string> = {
  'yarn.lock': 'Yarn',
  'pnpm-lock.yaml': 'pnpm',
  'bun.lock': 'Bun',
  'bun.lockb': 'Bun',
}

/** Installing other versions than the ones that were locked would be worse than not installing. */
function refuseOtherLockfiles({ lockfile, names }: NodeApp): void {
  const other = names.find((name) => Object.hasOwn(otherLockfiles, name))
  if (!lockfile && other)
    throw invalidFile(
      `This app has ${other} and no package-lock.json. Dependencies are installed by npm today, ${otherLockfiles[other]} comes later: ` +
        'run `npm install --package-lock-only`, commit package-lock.json and push again.',
    )
}

// ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const ltsLines: Record<string, string> = { hydrogen: '18', iron: '20', jod: '22', krypton: '24' }

/**
 * The range of Node versions that the app asks for, and why, for the pusher.
 * @throws BuildFailure when what it asks for cannot be a range
 */
export function nodeVersion({ package: { nodeRange }, versionFile }: Pick<NodeApp, 'package' | 'versionFile'>) {
  if (nodeRange !== null)
    return checkedRange('engines.node in package.json', nodeRange, `package.json asks for ${nodeRange} in engines.node`)
  const asked = versionFile?.text
    .split(/\r?\n/)
    .map((line) => line.replace(/#.*/, '').trim())
    .find((line) => line !== '')
  if (versionFile && asked)
    return checkedRange(versionFile.name, rangeOf(asked), `${versionFile.name} asks for ${asked}`)
  return {
    range: DEFAULT_NODE,
    reason: 'the current long-term support line; set engines.node in package.json to choose another',
  }
}

function rangeOf(asked: string): string {
  const lts = /^lts\/(.+)$/.exec(asked)?.[1]?.toLowerCase()
  if (lts === '*') return DEFAULT_NODE
  if (lts !== undefined) return ltsLines[lts] ?? asked
  if (['node', 'stable', 'latest', 'current'].includes(asked)) return '*'
  return asked.replace(/^v(?=\d)/, '')
}

function checkedRange(source: string, range: string, reason: string): { range: string; reason: string } {
  if (!/^[\w.*+\-<>=|~^ ]{1,100}$/.test(range))
    throw invalidFile(
      `${source} must be a range of versions such as "24.x" or ">=22 <25", got ${JSON.stringify(range.slice(0, 100))}.`,
    )
  return { range, reason }
}

// ── dependencies ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Scripts of the app itself that npm runs when it installs. */
const installScripts = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']

/** Whether something of the app's own runs while it is built, and so may read its source and need what it develops with. */
const runsOwnCode = ({ package: { scripts }, names }: NodeApp): boolean =>
  scripts.has('build') || installScripts.some((name) => scripts.has(name)) || names.includes('binding.gyp')

/**
 * node_modules as a layer that later builds reuse, when it follows from what is hashed here and from nothing else: there is
 * a lockfile, no folder of the repository is linked into it, and none of the app's own code runs during the build.
 * @param nodeRange the range that the app asks for; the agent adds the exact versions to the key
 */
export function dependencyLayer(nodeApp: NodeApp, nodeRange: string, stack: string): DependencyLayer | null {
  const { package: json, lockfile, npmrc } = nodeApp
  if (!lockfile || !json.hasDependencies || json.hasWorkspaces || runsOwnCode(nodeApp)) return null
  if (linksFolders(json, lockfile.text)) return null
  const decisive = ['node_modules 1', stack, nodeRange, NPM, json.decisive, lockfile.name, lockfile.text, npmrc]
  return { key: createHash('sha256').update(JSON.stringify(decisive)).digest('hex'), paths: ['node_modules'] }
}

/** Whether a dependency is a folder or an archive of the repository itself. A false alarm only costs the reuse. */
const linksFolders = ({ decisive }: PackageJson, lockfile: string): boolean =>
  /:\s*"(?:file:|link:|\.{1,2}\/|~\/|\/)/.test(JSON.stringify(decisive)) ||
  /"link"\s*:\s*true|"resolved"\s*:\s*"file:/.test(lockfile)

export type NpmStep = { title: string; args: string[] }

/** What npm is asked to do, in order. */
export function npmSteps(nodeApp: NodeApp): NpmStep[] {
  const { package: json, lockfile } = nodeApp
  const own = runsOwnCode(nodeApp)
  const hasDev = json.devDependencies.size > 0 || json.hasWorkspaces
  const withoutLock = lockfile ? [] : ['--no-package-lock']
  const steps: NpmStep[] = []
  if (installs(nodeApp))
    steps.push({
      title: 'Installing dependencies',
      args: [lockfile ? 'ci' : 'install', ...withoutLock, own ? '--include=dev' : '--omit=dev'],
    })
  if (json.scripts.has('build')) steps.push({ title: 'Building', args: ['run', 'build'] })
  if (own && hasDev)
    steps.push({ title: 'Removing what only the build needed', args: ['prune', ...withoutLock, '--omit=dev'] })
  return steps
}

/** A build script that needs no package needs no install either. */
function installs(nodeApp: NodeApp): boolean {
  const { package: json, names } = nodeApp
  if (json.hasDependencies || json.hasWorkspaces) return true
  const hooks = installScripts.some((name) => json.scripts.has(name)) || names.includes('binding.gyp')
  return hooks || (runsOwnCode(nodeApp) && json.devDependencies.size > 0)
}

function warningsFor(nodeApp: NodeApp): string[] {
  if (nodeApp.lockfile || !installs(nodeApp)) return []
  return [
    'There is no package-lock.json: each build may install other versions, and installs all of them anew. Commit one (npm install --package-lock-only).',
  ]
}

// ── npm ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Puts npm and npx on PATH for the app's scripts. @returns the environment of every step */
async function prepareNpm(build: Build, { npmrc }: NodeApp): Promise<NodeJS.ProcessEnv> {
  const bin = join(build.buildFolder, 'bin')
  const nodeBin = join(build.runtimesFolder, 'node', 'bin')
  await mkdir(bin, { recursive: true })
  for (const name of ['npm', 'npx']) {
    const program = join(build.runtimesFolder, 'npm', 'bin', `${name}-cli.js`)
    const launcher = `#!/bin/sh\nexec ${quoted(join(nodeBin, 'node'))} ${quoted(program)} "$@"\n`
    await writeFile(join(bin, name), launcher)
    await chmod(join(bin, name), 0o755)
  }
  const env: NodeJS.ProcessEnv = {
    NODE_ENV: 'production',
    ...build.env,
    PATH: [bin, nodeBin, build.env['PATH'] ?? '/usr/bin:/bin'].join(':'),
    NPM_CONFIG_CACHE: join(build.cacheFolder, 'npm'),
    NPM_CONFIG_AUDIT: 'false',
    NPM_CONFIG_FUND: 'false',
    NPM_CONFIG_UPDATE_NOTIFIER: 'false',
    NPM_CONFIG_PROGRESS: 'false',
  }
  // A registry that the app chose itself goes before the platform's default.
  if (npmrc !== null && /^\s*registry\s*=/m.test(npmrc)) delete env['NPM_CONFIG_REGISTRY']
  return env
}

const quoted = (path: string) => `'${path.replaceAll("'", `'\\''`)}'`

// ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The Procfile's processes; and for web, where it names none, the start script, server.js, or `main`. npm is not there at
 * run time, where it would only cost memory and swallow signals: `npm start` becomes what the script says.
 * @throws BuildFailure when there is nothing to run
 */
export function nodeProcesses(nodeApp: NodeApp): Procfile {
  const { procfile } = nodeApp
  const { scripts } = nodeApp.package
  const named: Procfile = {}
  for (const [type, command] of Object.entries(procfile ?? {}) as [ProcessType, string][])
    named[type] = withoutNpm(command, nodeApp, 0)
  if (Object.hasOwn(named, 'web')) return named
  const explicit = scripts.has('start') || nodeApp.names.includes('server.js') ? 'npm start' : null
  if (explicit) return withDefaultWeb(named, withoutNpm(explicit, nodeApp, 0))
  if (!isOpen(procfile)) return named
  const main = mainFile(nodeApp)
  if (main === null)
    throw invalidFile(
      'Nothing says how to start this app: package.json has no start script and no main file that exists, and there is no server.js, index.js or Procfile. ' +
        'Add "scripts": { "start": "node server.js" } to package.json, or a Procfile with a line such as "web: node server.js".',
    )
  return withDefaultWeb(named, `node ${main}`)
}

const MAX_DEPTH = 10

function withoutNpm(command: string, nodeApp: NodeApp, depth: number): string {
  const { scripts } = nodeApp.package
  const match = /^npm\s+(?:(start)|(?:run|run-script)\s+(?:-s\s+|--silent\s+)?([\w:.-]+))$/.exec(command.trim())
  const name = match?.[1] ?? match?.[2]
  if (name === undefined || depth > MAX_DEPTH) return command
  const script =
    scripts.get(name) ?? (name === 'start' && nodeApp.names.includes('server.js') ? 'node server.js' : null)
  if (script === null)
    throw invalidFile(
      `The command ${JSON.stringify(command)} needs a script ${JSON.stringify(name)}, which package.json does not have.`,
    )
  const main = withoutNpm(script, nodeApp, depth + 1)
  const before = scripts.get(`pre${name}`)
  return checkedCommand(before === undefined ? main : `(${withoutNpm(before, nodeApp, depth + 1)}) && ${main}`, name)
}

function checkedCommand(command: string, script: string): string {
  // The commands of a script are copied into those that call it; a script that calls itself twice would not end.
  if (command.length > 4096)
    throw invalidFile(`The script ${JSON.stringify(script)} of package.json is too long to run.`)
  return command.trim()
}

function mainFile({ package: { main }, hasMain, names }: NodeApp): string | null {
  if (main !== null && hasMain) {
    if (/^[\w@.+/][\w@.+/-]*$/.test(main)) return main
    throw invalidFile(
      `package.json: "main" is ${JSON.stringify(main.slice(0, 100))}; add a start script that runs it, a file name like this is not run as it is.`,
    )
  }
  return names.includes('index.js') ? 'index.js' : null
}

function npmAtRunTime(processes: Procfile): string[] {
  return (Object.entries(processes) as [ProcessType, string][])
    .filter(([, command]) => /(?:^|[\s;&|(])(?:npm|npx|yarn|pnpm)\s/.test(`${command} `))
    .map(
      ([type, command]) =>
        `${type} runs ${JSON.stringify(command.slice(0, 200))}, but npm and its like are not there when the app runs: name the program itself.`,
    )
}
