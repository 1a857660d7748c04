/** Runs the phases of a build in temporary folders instead of a sandbox: in this process, or as the program that the agent starts. */
import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { createOutput } from '#buildpacks/output.ts'
import { runPhase } from '#buildpacks/phases.ts'
import { compiledEnv } from './compiled.ts'
import { memoryFolder } from './memory-folder.ts'
import { npmFolder } from './npm.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

export type Ended = { code: number | null; output: string }

export type BuildRun = {
  /** The app's folder, as the build left it. */
  app: string
  /** Runtimes by name, as links. */
  runtimes: string
  /** Packs a fixture (null: nothing at all) and files on top of it into the archive that detect unpacks. */
  source(fixture: string | null, files?: Record<string, string>): Promise<void>
  /** Runs a phase within this process: a program would take a fifth of a second to start. */
  phase(name: string, env?: Record<string, string>): Promise<Ended>
  /** Runs a phase as the agent does. */
  program(name: string, env?: Record<string, string>): Promise<Ended>
  /** plan.json or release.json */
  result(name: string): Promise<unknown>
  remove(): Promise<void>
}

export async function newBuild(): Promise<BuildRun> {
  const folder = await memoryFolder('berth-build-')
  const at = (name: string) => join(folder, name)
  for (const name of ['build', 'cache', 'runtimes', 'source']) await mkdir(at(name))
  await symlink(dirname(dirname(process.execPath)), at('runtimes/node'))
  await symlink(await npmFolder(), at('runtimes/npm'))

  const environment = {
    PATH: process.env['PATH'],
    // A company's own certificates are needed by npm here as in a sandbox.
    NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'],
    SSL_CERT_FILE: process.env['SSL_CERT_FILE'],
    HOME: at('home'),
    STACK: 'test',
    BERTH_APP_DIR: at('app'),
    BERTH_BUILD_DIR: at('build'),
    BERTH_CACHE_DIR: at('cache'),
    BERTH_RUNTIMES_DIR: at('runtimes'),
    BERTH_SOURCE: at('source.tar'),
  }

  return {
    app: at('app'),
    runtimes: at('runtimes'),
    async source(fixture, files = {}) {
      if (fixture !== null) await cp(join(ROOT, 'test/fixtures/apps', fixture), at('source'), { recursive: true })
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(at('source'), name)), { recursive: true })
        await writeFile(join(at('source'), name), content)
      }
      await run('tar', ['-c', '-f', at('source.tar'), '-C', at('source'), '.'])
    },
    phase: (name, env = {}) => phaseWithin(name, { ...environment, ...env }),
    program: (name, env = {}) => phaseAsProgram(name, folder, { ...environment, ...env }),
    result: async (name) => JSON.parse(await readFile(join(at('build'), name), 'utf8')) as unknown,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

async function phaseWithin(name: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  let output = ''
  const code = await runPhase(
    name,
    env,
    createOutput((text) => (output += text)),
  )
  return { code, output }
}

async function phaseAsProgram(name: string, folder: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, 'buildpacks/main.ts'), name], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, ...compiledEnv },
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, output: stdout + stderr }
}
