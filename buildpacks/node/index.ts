/** Node.js and Bun apps: a package.json, dependencies by the package manager that locked them, a build, and what to run. */
import { createHash } from 'node:crypto'
import type { AppFolder, Build, Buildpack, Release, RuntimeNeed } from '../contract.ts'
import { asksForToolchain, toolchainNeed } from '../toolchain.ts'
import { serveSite } from '../static/serve.ts'
import { withDefaultWeb } from '../processes.ts'
import { readNodeApp, readPackage, type NodeApp } from './app.ts'
import { dependencyLayer } from './dependencies.ts'
import { builtFiles, frameworkOf, siteFolder } from './frameworks.ts'
import { dropPackages, install, runStep } from './install.ts'
import { chooseManager, lockfilesOf, type Manager } from './manager.ts'
import { compiledParts } from './native.ts'
import { completeStandalone, keepNextCache, restoreNextCache } from './next.ts'
import { prepare } from './prepare.ts'
import { managersAtRunTime, nodeProcesses, nothingToStart, type Runner } from './processes.ts'
import { built, installs, steps } from './steps.ts'
import { tidy } from './tidy.ts'
import { nodeVersion } from './versions.ts'

export const node: Buildpack = {
  name: 'node',

  async detect(app) {
    if (!(await app.names()).includes('package.json')) return { accepted: false, lookedFor: 'package.json, found none' }
    const framework = frameworkOf(await readPackage(app))
    return {
      accepted: true,
      what: framework === null ? 'Node.js app' : `${framework}/Node.js app`,
      because: 'package.json found',
    }
  },

  plan: (app, stack) => plan(app, stack, 'node'),
  compile: (build) => compile(build, 'node'),
}

export const bun: Buildpack = {
  name: 'bun',

  async detect(app) {
    const names = [...(await app.names()), ...((await app.within?.root.names()) ?? [])]
    const found = [...lockfilesOf.bun, 'bunfig.toml'].find((name) => names.includes(name))
    if (found !== undefined) return { accepted: true, what: 'Bun app', because: `${found} found` }
    const { packageManager } = names.includes('package.json') ? await readPackage(app) : { packageManager: null }
    if (packageManager?.startsWith('bun@'))
      return { accepted: true, what: 'Bun app', because: 'packageManager in package.json names bun' }
    return { accepted: false, lookedFor: 'bun.lock, bun.lockb or bunfig.toml, found none' }
  },

  plan: (app, stack) => plan(app, stack, 'bun'),
  compile: (build) => compile(build, 'bun'),
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

async function plan(app: AppFolder, stack: string, runner: Runner) {
  const nodeApp = await readNodeApp(app)
  const manager = chooseManagerFor(nodeApp, runner)
  const version = nodeVersion(nodeApp)
  // With a build, the file that web runs may not be there yet.
  if (built(nodeApp).length === 0) findProcesses(nodeApp, await builtIn(app, nodeApp), runner)
  return {
    runtimes: [...runtimeNeeds(manager, version), ...(await compilers(app, nodeApp))],
    dependencies: dependencyLayer(nodeApp, manager, `${stack} node ${version.range}`, sha256),
  }
}

async function compilers(app: AppFolder, nodeApp: NodeApp): Promise<RuntimeNeed[]> {
  if (await asksForToolchain(app)) return [toolchainNeed]
  const reason = installs(nodeApp) ? compiledParts(nodeApp) : null
  return reason === null ? [] : [{ ...toolchainNeed, reason: `${reason}; it is not there when the app runs` }]
}

/** Bun's tools are programs for Node as often as not, so that both are there. */
function runtimeNeeds(
  { name, range, reason, program }: Manager,
  version: { range: string; reason: string },
): RuntimeNeed[] {
  const needs: RuntimeNeed[] = [{ name: 'node', ...version }]
  if (name !== 'npm')
    needs.push({ name: 'npm', range: '10.x', reason: 'for scripts that call it; it is not there when the app runs' })
  if (program === null) needs.push({ name, range, reason })
  return needs
}

function chooseManagerFor(nodeApp: NodeApp, runner: Runner): Manager {
  const usual = runner === 'bun' && nodeApp.root.packageManager === null && nodeApp.lockfiles.length === 0
  return chooseManager(usual ? { ...nodeApp, root: { ...nodeApp.root, packageManager: 'bun' } } : nodeApp)
}

async function compile(build: Build, runner: Runner): Promise<Release> {
  const { app, output } = build
  const nodeApp = await readNodeApp(app)
  const manager = chooseManagerFor(nodeApp, runner)
  const todo = steps(nodeApp, manager)
  const env = await prepare(build, nodeApp, manager)
  for (const warning of warningsFor(nodeApp, manager)) output.warning(warning)
  if (build.dependenciesReused) output.title('Dependencies are those of the build before: nothing to install')
  else if (todo.install) await install(build, nodeApp, manager, todo.install, env)
  await restoreNextCache(build)
  for (const step of todo.builds) await runStep(build, step, env)
  await keepNextCache(build)
  await completeStandalone(build)

  // Read again: a build may have made the file that web runs.
  const after = await readNodeApp(app)
  const found = findProcesses(after, await builtIn(app, after), runner)
  const isOnlySite = found.site !== null && Object.keys(found.processes).length === 0
  if (isOnlySite) await dropPackages(build, nodeApp)
  else if (todo.prune && !build.dependenciesReused) await runStep(build, todo.prune, env)
  await tidy(build, nodeApp)
  for (const warning of managersAtRunTime(found.processes, runner)) output.warning(warning)
  const processes =
    found.site === null
      ? found.processes
      : withDefaultWeb(found.processes, await serveSite(build, found.site, todo.builds.length > 0))
  return { processes, env: { NODE_ENV: 'production' } }
}

type FoundProcesses = { processes: Release['processes']; site: string | null }

/** @throws BuildFailure when there is nothing to run and nothing to serve */
function findProcesses(nodeApp: NodeApp, made: ReadonlySet<string>, runner: Runner): FoundProcesses {
  const { processes, site } = nodeProcesses(nodeApp, made, runner)
  if (!site) return { processes, site: null }
  const folder = siteFolder(made) ?? (nodeApp.names.includes('static.json') ? '.' : null)
  if (folder === null) throw nothingToStart()
  return { processes, site: folder }
}

async function builtIn(app: AppFolder, { path }: NodeApp): Promise<Set<string>> {
  const found = new Set<string>()
  for (const file of builtFiles(path)) if (await app.has(file)) found.add(file)
  return found
}

const lockCommands = {
  npm: 'npm install --package-lock-only',
  pnpm: 'pnpm install --lockfile-only',
  yarn: 'yarn install',
  bun: 'bun install --lockfile-only',
}

function warningsFor(nodeApp: NodeApp, { name, lockfile }: Manager): string[] {
  if (lockfile || !installs(nodeApp)) return []
  return [
    `There is no ${lockfilesOf[name].at(name === 'npm' ? -1 : 0)}: each build may install other versions, and installs all of them anew. Commit one (${lockCommands[name]}).`,
  ]
}
