/** Builds an app with the runtimes that its plan asks for, real ones from the registry, and runs what came out, without a sandbox. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildPlan, BuildRelease } from '#core/contract/buildpack.ts'
import { buildPlan, buildRelease } from '#core/contract/buildpack.ts'
import { parse } from '#core/contract/schema.ts'
import { silentLog } from '#core/runtime/log.ts'
import { readConfig } from '#core/runtime/config.ts'
import { installRuntime, resolveRuntime } from '../../agent/runtimes/npm.ts'
import { newBuild, type BuildRun } from './buildpack-run.ts'
import { freePort, waitFor } from './world.ts'

export type BuiltApp = {
  build: BuildRun
  plan: BuildPlan
  release: BuildRelease
  /** What the pusher saw. */
  output: string
  /** Starts web and asks it, as often as there are paths; ends it after. */
  ask: (...paths: string[]) => Promise<{ status: number; body: string }[]>
}

/** Detects, resolves, installs the runtimes, compiles. @throws an Error with the output when a phase fails */
export async function buildApp(
  fixture: string | null,
  files: Record<string, string> = {},
  env: Record<string, string> = {},
): Promise<BuiltApp> {
  const build = await newBuild()
  try {
    await build.source(fixture, files)
    let output = await phase(build, 'detect', env)
    const plan = parse(buildPlan, await build.result('plan.json'))
    for (const { name, range } of plan.runtimes) await link(build, name, range)
    output += await phase(build, 'compile', env)
    const release = parse(buildRelease, await build.result('release.json'))
    return { build, plan, release, output, ask: (...paths) => ask(build, plan, release, paths) }
  } catch (error) {
    await build.remove()
    throw error
  }
}

async function phase(build: BuildRun, name: string, env: Record<string, string>): Promise<string> {
  const { code, output } = await build.phase(name, env)
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${output}`)
  return output
}

async function link(build: BuildRun, name: BuildPlan['runtimes'][number]['name'], range: string): Promise<void> {
  const { cache, npmRegistry } = readConfig({ BERTH_HOME: build.app })
  const context = { cacheDir: cache, npmRegistry, log: silentLog }
  const folder = await installRuntime(await resolveRuntime({ name, range }, context), context)
  await rm(join(build.runtimes, name), { force: true })
  await symlink(folder, join(build.runtimes, name))
}

async function ask(build: BuildRun, plan: BuildPlan, release: BuildRelease, paths: string[]) {
  const port = await freePort()
  const runtimes = plan.runtimes.map(({ name }) => join(build.runtimes, name, 'bin'))
  const PATH = [join(build.app, 'node_modules/.bin'), ...runtimes, '/usr/bin:/bin'].join(':')
  const HOME = build.app
  // What lies at /app in a sandbox.
  const env = Object.entries(release.env).map(([name, value]) => [name, value.replace(/^\/app\//, `${build.app}/`)])
  const child = spawn('/bin/sh', ['-c', String(release.processes['web' as never])], {
    cwd: build.app,
    env: { ...Object.fromEntries(env), PATH, HOME, PORT: String(port), HOSTNAME: 'web.1' },
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    const answer = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { accept: 'text/html' } })
      return { status: response.status, body: await response.text() }
    }
    await waitFor(() => answer('/').then(Boolean, () => false), { timeoutMs: 60_000, what: 'the app' })
    return await Promise.all(paths.map(answer))
  } finally {
    await end(child)
  }
}

/** A shell may stand between: its whole group is ended. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return
  const exited = once(child, 'exit')
  process.kill(-child.pid, 'SIGKILL')
  await exited
}
