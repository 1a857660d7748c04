/**
 * The program that runs inside the build sandbox, on the tenant's side of the fence: `main.ts detect`, then, with the
 * runtimes in place, `main.ts compile`. It talks to the pusher on stdout and to the agent by two files and exit codes.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import { BuildFailure, exitCodes, type Build, type Output, type Plan } from './contract.ts'
import { openFolder } from './folder.ts'
import { buildpacks, choose } from './index.ts'
import { createOutput } from './output.ts'
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
  const app = openFolder(path)
  await unpack(source, app, output)
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
  const app = openFolder(path)
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
    run: (command) => runStep(command, path, output),
  }
  await writeWhole(join(build, 'release.json'), await buildpack.compile(context))
}

/** The agent reads the file when this program has ended; it must never see a half. */
async function writeWhole(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(value))
  await rename(`${path}.new`, path)
}

const phases: Record<string, (settings: Settings, output: Output) => Promise<void>> = { detect, compile }

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

// What Node made of this program (agent/platform.ts) is nothing for the programs that it runs.
delete process.env['NODE_COMPILE_CACHE']
delete process.env['NODE_COMPILE_CACHE_PORTABLE']

// Writes to a pipe are synchronous on Linux, so nothing is lost at exit and a slow reader slows the build's output down.
const output = createOutput((text) => process.stdout.write(text))
process.exit(await main(process.argv[2] ?? '', output))
