/** Runs what the package manager is asked to do, and says in one sentence when the lockfile is not what package.json asks for. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildFailure, type Build } from '../contract.ts'
import type { NodeApp } from './app.ts'
import { disagreement } from './lockfile.ts'
import type { Manager } from './manager.ts'
import type { Step } from './steps.ts'

const rootOf = ({ app }: Build): string => (app.within?.root ?? app).path

export async function runStep(
  build: Build,
  { title, program, args, folder, installs }: Step,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const shown = [program, ...args].join(' ')
  await build.run({
    title,
    shown,
    argv: [join(build.buildFolder, 'bin', program), ...args],
    env,
    folder: join(rootOf(build), folder),
    ...(installs ? { fetches: true } : {}),
  })
}

/** @throws BuildFailure with what the lockfile says differently, when it does */
export async function install(
  build: Build,
  nodeApp: NodeApp,
  manager: Manager,
  step: Step,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  try {
    await runStep(build, step, env)
  } catch (error) {
    const why = error instanceof BuildFailure ? disagreement(nodeApp, manager) : null
    throw why !== null && error instanceof BuildFailure
      ? new BuildFailure(error.exitCode, `${error.message} ${why}`, { cause: error })
      : error
  }
}

/** A site of files runs without its packages. */
export async function dropPackages(build: Build, { members }: NodeApp): Promise<void> {
  for (const folder of ['', ...members.map(({ path }) => path)])
    await rm(join(rootOf(build), folder, 'node_modules'), { recursive: true, force: true })
}
