/** The phases of a build: what each reads, does, and leaves for the agent, by two files and exit codes. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { defaultsOf, readAppJson, releasePartOf, tellAppJson, type AppJson } from './app-json/index.ts'
import { combine, offeredOf } from './chosen.ts'
import {
  BuildFailure,
  exitCodes,
  type AppFolder,
  type Build,
  type Buildpack,
  type Output,
  type Plan,
} from './contract.ts'
import { openFolder } from './folder.ts'
import { readGiven, type Given } from './given.ts'
import { buildpacks, choose } from './index.ts'
import { chooseRoot, chosenRoot, inFolder } from './app-root.ts'
import { unpackSlug } from './ready.ts'
import { unpack } from './source.ts'
import { runStep } from './steps.ts'

type Settings = {
  app: string
  build: string
  cache: string
  runtimes: string
  source: string
  stack: string
  env: NodeJS.ProcessEnv
}

/**
 * Runs a phase: detect, then, with the runtimes in place, compile; of a ready slug only adopt.
 * @param env which folders there are, what was set for the app, and its config vars
 * @returns the exit code that tells the agent how it ended
 */
export async function runPhase(phase: string, env: NodeJS.ProcessEnv, output: Output): Promise<number> {
  const run = phases[phase]
  if (!run) {
    output.warning(`The build has the phases ${Object.keys(phases).join(' and ')}, got ${JSON.stringify(phase)}.`)
    return 64
  }
  try {
    await run(readSettings(env), output)
    return 0
  } catch (error) {
    output.warning(sentenceOf(error))
    return error instanceof BuildFailure ? error.exitCode : isDiskFull(error) ? exitCodes.failedStep : 1
  }
}

const phases: Record<string, (settings: Settings, output: Output) => Promise<void>> = { detect, compile, adopt }

const isDiskFull = (error: unknown) => (error as NodeJS.ErrnoException | null)?.code === 'ENOSPC'

function sentenceOf(error: unknown): string {
  if (error instanceof BuildFailure) return error.message
  if (isDiskFull(error)) return 'The build ran out of disk space (ENOSPC).'
  return `The build ended by a fault of the platform's: ${messageOf(error)}`
}

const readSettings = (env: NodeJS.ProcessEnv): Settings => ({
  app: env['BERTH_APP_DIR'] ?? '/app',
  build: env['BERTH_BUILD_DIR'] ?? '/build',
  cache: env['BERTH_CACHE_DIR'] ?? '/cache',
  runtimes: env['BERTH_RUNTIMES_DIR'] ?? '/opt/runtimes',
  source: env['BERTH_SOURCE'] ?? '/source.tar',
  stack: env['STACK'] ?? '',
  env,
})

async function detect({ app: path, build, source, stack, env }: Settings, output: Output): Promise<void> {
  const repository = openFolder(path)
  await unpack(source, repository, output)
  const given = readGiven(env)
  const app = await chooseRoot(repository, given.root ?? '', build, output)
  const appJson = await readAppJson(app)
  tellAppJson(appJson, knownOf(given), output)
  const chosen = chosenOf(given, appJson)
  const { buildpack, because } = chosen ?? (await detected(app, output))
  const needs = await buildpack.plan(app, stack)
  const plan: Plan = { buildpack: buildpack.name, because, ...needs, ...(chosen ? { offered: chosen.offered } : {}) }
  await writeWhole(join(build, 'plan.json'), plan)
}

async function detected(app: AppFolder, output: Output): Promise<{ buildpack: Buildpack; because: string }> {
  const choice = await choose(app)
  if (!choice.buildpack) {
    for (const { name, lookedFor } of choice.lookedFor) output.warning(`${name}: looked for ${lookedFor}`)
    throw new BuildFailure(
      exitCodes.noBuildpack,
      'No buildpack accepts this source. Add one of these files to the root of the repository, or a Procfile.',
    )
  }
  const { what, because } = choice.detection
  output.title(`${what} detected: ${because}`)
  return { buildpack: choice.buildpack, because }
}

/** What was set for the app goes before what its app.json says; null: neither says anything. */
function chosenOf(given: Given, appJson: AppJson) {
  const sources = given.buildpacks.length > 0 ? given.buildpacks : appJson.buildpacks
  if (sources.length === 0) return null
  const because = given.buildpacks.length > 0 ? 'set for this app' : 'named in app.json'
  return { buildpack: combine(sources, buildpacks, given.config), because, offered: offeredOf(sources) }
}

const knownOf = ({ config, isFirst, buildpacks: set }: Given) => ({ config, isFirst, hasBuildpacks: set.length > 0 })

async function compile({ app: path, build, cache, runtimes, env }: Settings, output: Output): Promise<void> {
  const app = await chosenRoot(openFolder(path), build)
  const { buildpack: name } = JSON.parse(await readFile(join(build, 'plan.json'), 'utf8')) as Plan
  const given = readGiven(env)
  const appJson = await readAppJson(app)
  const defaults = defaultsOf(appJson, knownOf(given))
  const settled = { ...given, config: [...given.config, ...Object.keys(defaults)] }
  const buildpack = chosenOf(settled, appJson)?.buildpack ?? buildpacks.find((candidate) => candidate.name === name)
  if (!buildpack) throw new Error(`plan.json names the buildpack ${JSON.stringify(name)}, which there is not`)
  await mkdir(env['HOME'] ?? '/tmp/home', { recursive: true })
  const context: Build = {
    app,
    buildFolder: build,
    cacheFolder: cache,
    runtimesFolder: runtimes,
    dependenciesReused: env['BERTH_DEPENDENCIES'] === 'reused',
    env: { ...env, ...defaults },
    output,
    run: (command) => runStep(command, command.folder ?? app.path, output),
  }
  const release = await buildpack.compile(context)
  await writeWhole(join(build, 'release.json'), {
    processes: inFolder(release.processes, app),
    env: release.env,
    ...releasePartOf(appJson),
  })
}

/** The agent reads the file when this program has ended; it must never see a half. */
async function writeWhole(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(value))
  await rename(`${path}.new`, path)
}

async function adopt({ app, build, source }: Settings, output: Output): Promise<void> {
  await writeWhole(join(build, 'plan.json'), await unpackSlug({ app, build, source }, output))
}
