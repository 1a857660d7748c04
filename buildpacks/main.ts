/**
 * The program that runs inside the build sandbox, on the tenant's side of the fence: `main.ts detect`, then, with the
 * runtimes in place, `main.ts compile`; of a ready slug only `main.ts adopt`. It talks to the pusher on stdout and to the agent by two files and exit codes.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { BuildFailure, exitCodes, type Build, type Output, type Plan } from './contract.ts'
import { openFolder } from './folder.ts'
import { buildpacks, choose } from './index.ts'
import { createOutput } from './output.ts'
import { chooseRoot, chosenRoot, inFolder } from './app-root.ts'
import { unpackSlug } from './ready.ts'
import { unpack } from './source.ts'
import { runStep } from './steps.ts'

type Settings = { app: string; build: string; cache: string; runtimes: string; source: string; stack: string }

const readSettings = (env: NodeJS.ProcessEnv): Settings => ({
  app: env['BERTH_APP_DIR'] ?? '/app',
  build: env['BERTH_BUILD_DIR'] ?? '/build',
  cache: env['BERTH_CACHE_DIR'] ?? '/cache',
  runtimes: env['BERTH_RUNTIMES_DIR'] ?? '/opt/runtimes',
  source: env['BERTH_SOURCE'] ?? '/source.tar',
  stack: env['STACK'] ?? '',
})

async function detect({ app: path, build, source, stack }: Settings, output: Output): Promise<void> {
  const repository = openFolder(path)
  await unpack(source, repository, output)
  const app = await chooseRoot(repository, process.env['BERTH_APP_ROOT'], build, output)
  const choice = await choose(app)
  if (!choice.buildpack) {
    for (const { name, lookedFor } of choice.lookedFor) output.warning(`${name}: looked for ${lookedFor}`)
    throw new BuildFailure(
      exitCodes.noBuildpack,
      'No buildpack accepts this source. Add one of these files to the root of the repository, or a Procfile.',
    )
  }
  const { buildpack, detection } = choice
  output.title(`${detection.what} detected: ${detection.because}`)
  const needs = await buildpack.plan(app, stack)
  const plan: Plan = { buildpack: buildpack.name, because: detection.because, ...needs }
  await writeWhole(join(build, 'plan.json'), plan)
}

async function compile({ app: path, build, cache, runtimes }: Settings, output: Output): Promise<void> {
  const app = await chosenRoot(openFolder(path), build)
  const { buildpack: name } = JSON.parse(await readFile(join(build, 'plan.json'), 'utf8')) as Plan
  const buildpack = buildpacks.find((candidate) => candidate.name === name)
  if (!buildpack) throw new Error(`plan.json names the buildpack ${JSON.stringify(name)}, which there is not`)
  await mkdir(process.env['HOME'] ?? '/tmp/home', { recursive: true })
  const context: Build = {
    app,
    buildFolder: build,
    cacheFolder: cache,
    runtimesFolder: runtimes,
    dependenciesReused: process.env['BERTH_DEPENDENCIES'] === 'reused',
    env: process.env,
    output,
    run: (command) => runStep(command, command.folder ?? app.path, output),
  }
  const release = await buildpack.compile(context)
  await writeWhole(join(build, 'release.json'), { ...release, processes: inFolder(release.processes, app) })
}

/** The agent reads the file when this program has ended; it must never see a half. */
async function writeWhole(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(value))
  await rename(`${path}.new`, path)
}

async function adopt({ app, build, source }: Settings, output: Output): Promise<void> {
  await writeWhole(join(build, 'plan.json'), await unpackSlug({ app, build, source }, output))
}

const phases: Record<string, (settings: Settings, output: Output) => Promise<void>> = { detect, compile, adopt }

async function main(phase: string, output: Output): Promise<number> {
  const run = phases[phase]
  if (!run) {
    output.warning(`The build has the phases ${Object.keys(phases).join(' and ')}, got ${JSON.stringify(phase)}.`)
    return 64
  }
  try {
    await run(readSettings(process.env), output)
    return 0
  } catch (error) {
    output.warning(sentenceOf(error))
    return error instanceof BuildFailure ? error.exitCode : isDiskFull(error) ? exitCodes.failedStep : 1
  }
}

const isDiskFull = (error: unknown) => (error as NodeJS.ErrnoException | null)?.code === 'ENOSPC'

function sentenceOf(error: unknown): string {
  if (error instanceof BuildFailure) return error.message
  if (isDiskFull(error)) return 'The build ran out of disk space (ENOSPC).'
  return `The build ended by a fault of the platform's: ${messageOf(error)}`
}

// Writes to a pipe are synchronous on Linux, so nothing is lost at exit and a slow reader slows the build's output down.
const output = createOutput((text) => process.stdout.write(text))
process.exit(await main(process.argv[2] ?? '', output))
