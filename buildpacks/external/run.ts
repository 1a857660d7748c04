/**
 * Heroku's classic buildpack API (https://devcenter.heroku.com/articles/buildpack-api): bin/detect BUILD, bin/compile BUILD
 * CACHE ENV, bin/release BUILD, and the file `export` for the buildpacks that come after.
 */
import { constants } from 'node:fs'
import { access, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Build } from '../contract.ts'
import { BuildFailure, exitCodes } from '../contract.ts'
import { runStep } from '../steps.ts'
import { relay } from './output.ts'
import { ask, complaintOf } from './programs.ts'
import { readRelease, type Answer } from './release-yaml.ts'

/** A buildpack in its folder, and what people call it. */
export type Opened = { folder: string; shown: string }

/** The parts of a build that a buildpack of this kind sees. */
export type Surroundings = { cache: string; envFolder: string; env: NodeJS.ProcessEnv }

const ASK_MS = 60_000

/** @throws BuildFailure when it is no buildpack of this kind */
export async function checkBuildpack({ folder, shown }: Opened): Promise<void> {
  const compile = join(folder, 'bin', 'compile')
  const status = await stat(compile).catch(() => null)
  if (!status?.isFile()) {
    const isNewer = await stat(join(folder, 'bin', 'build')).catch(() => null)
    throw failure(
      isNewer
        ? `${shown} is a Cloud Native Buildpack (it has bin/build). Berth runs Heroku's classic ones, with bin/compile`
        : `${shown} has no bin/compile, so it is no buildpack of Heroku's classic kind. Is its URL right?`,
    )
  }
  if (!(await isExecutable(compile)))
    throw failure(
      `bin/compile of ${shown} is not executable. In its repository: git update-index --chmod=+x bin/compile`,
    )
}

/** Said, not decisive: the buildpack was chosen by the app. */
export async function tellDetection(opened: Opened, around: Surroundings, { app, output }: Build): Promise<void> {
  const detect = join(opened.folder, 'bin', 'detect')
  if (!(await isExecutable(detect))) return output.title(`${opened.shown} (it has no bin/detect that can be run)`)
  const { code, stdout } = await ask([detect, app.path], { folder: app.path, env: around.env, timeoutMs: ASK_MS })
  const name = stdout.trim().split('\n')[0]?.slice(0, 100) ?? ''
  if (code === 0) output.title(name === '' ? opened.shown : `${name} (${opened.shown})`)
  else {
    output.title(opened.shown)
    output.warning(
      `Its bin/detect does not recognise this source (exit code ${code ?? 'none'}); it is set, so it runs all the same.`,
    )
  }
}

/** @throws BuildFailure with its exit code */
export async function compile({ folder, shown }: Opened, around: Surroundings, { app, output }: Build): Promise<void> {
  await runStep(
    {
      title: 'Compiling',
      shown: `bin/compile of ${shown}`,
      argv: [join(folder, 'bin', 'compile'), app.path, around.cache, around.envFolder],
      env: around.env,
    },
    app.path,
    relay(output),
  )
}

/** @throws BuildFailure when it fails, or does not answer YAML */
export async function releaseOf({ folder, shown }: Opened, around: Surroundings, { app }: Build): Promise<Answer> {
  const program = join(folder, 'bin', 'release')
  if (!(await isExecutable(program))) return { processes: {}, env: {}, ignored: [] }
  const answered = await ask([program, app.path], { folder: app.path, env: around.env, timeoutMs: ASK_MS })
  if (answered.code !== 0)
    throw failure(`bin/release of ${shown} failed (exit code ${answered.code ?? 'none'}): ${complaintOf(answered)}`)
  return readRelease(answered.stdout, shown)
}

// The file says what it likes on its output; what counts is the environment after it.
const SOURCE = '. "$1" >&2 || exit; env -0'

/** The environment after the buildpack's `export`. @throws BuildFailure when bash cannot source it */
export async function afterExport({ folder, shown }: Opened, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const file = join(folder, 'export')
  if (!(await stat(file).catch(() => null))?.isFile()) return env
  const answered = await ask(['/bin/bash', '--noprofile', '--norc', '-c', SOURCE, 'export', file], {
    folder,
    env,
    timeoutMs: ASK_MS,
  })
  if (answered.code !== 0) throw failure(`The file export of ${shown} cannot be sourced: ${complaintOf(answered)}`)
  const shellsOwn = new Set(['_', 'SHLVL', 'PWD', 'OLDPWD'])
  return Object.fromEntries(
    answered.stdout
      .split('\0')
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
      .filter(([name]) => name !== '' && !shellsOwn.has(name)),
  )
}

/** ENV_DIR: a file for each config var. */
export async function writeEnvFolder(folder: string, values: Record<string, string>): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [name, value] of Object.entries(values)) await writeFile(join(folder, name), value, { mode: 0o600 })
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

const failure = (sentence: string) =>
  new BuildFailure(exitCodes.failedStep, /[.?]$/.test(sentence) ? sentence : `${sentence}.`)
