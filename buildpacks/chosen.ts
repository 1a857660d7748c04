/** Buildpacks that were set for an app, Berth's own and others mixed: each runs in its order, and the last says what runs. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describeBuildpack, shortName, type BuildpackSource } from '#core/domain/buildpack.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import { invalidFile, type AppFolder, type Build, type Buildpack, type Needs, type Release } from './contract.ts'
import { fetchBuildpack, rootOf } from './external/fetch.ts'
import {
  afterExport,
  checkBuildpack,
  compile,
  releaseOf,
  tellDetection,
  writeEnvFolder,
  type Opened,
  type Surroundings,
} from './external/run.ts'
import { readProcfile } from './processes.ts'

type External = Exclude<BuildpackSource, { kind: 'own' }>

/**
 * One buildpack that is made of several.
 * @param sources at least one
 * @param own Berth's own, by name
 * @param config names of the app's config vars
 * @throws BuildFailure when Berth has not one of its own
 */
export function combine(sources: BuildpackSource[], own: readonly Buildpack[], config: string[]): Buildpack {
  const [only] = sources
  if (sources.length === 1 && only?.kind === 'own') return ownBuildpack(only.name, own)
  const isLast = (index: number) => index === sources.length - 1
  return {
    name: sources.map(shortName).join(', ').slice(0, 40),

    detect: () => Promise.resolve({ accepted: true, what: 'App', because: 'its buildpacks are set' }),

    async plan(app, stack) {
      const needs: Needs = { runtimes: [], dependencies: null }
      for (const [index, source] of sources.entries()) {
        const planned =
          source.kind === 'own'
            ? await ownBuildpack(source.name, own).plan(isLast(index) ? app : asPart(app), stack)
            : { runtimes: [compilers] }
        for (const need of planned.runtimes)
          if (!needs.runtimes.some(({ name }) => name === need.name)) needs.runtimes.push(need)
      }
      return needs
    },

    async compile(build) {
      let env = build.env
      let last: Release = { processes: {}, env: {} }
      const defaults: Record<string, string> = {}
      for (const [index, source] of sources.entries()) {
        const made =
          source.kind === 'own'
            ? { env, release: await runOwn(ownBuildpack(source.name, own), isLast(index), { ...build, env }) }
            : await runExternal(source, index, config, { ...build, env })
        env = made.env
        last = made.release
        Object.assign(defaults, made.release.env)
      }
      return { processes: await processesOf(build.app, last), env: defaults }
    },
  }
}

/** What Heroku's build image has, and buildpacks of others expect: git, compilers, headers. */
const compilers = {
  name: 'toolchain',
  range: '*',
  reason: 'git and compilers, which buildpacks of others expect; they are not there when the app runs',
} as const

export function offeredOf(sources: BuildpackSource[]) {
  return sources.flatMap((source) => (source.kind === 'offered' ? [{ name: source.name, ref: source.ref }] : []))
}

function ownBuildpack(name: string, own: readonly Buildpack[]): Buildpack {
  const found = own.find((buildpack) => buildpack.name === name)
  if (found) return found
  throw invalidFile(
    `Berth has no buildpack ${name} here, only ${own.map((buildpack) => buildpack.name).join(', ')}. Change it with berth buildpacks:set.`,
  )
}

// ── Berth's own ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function runOwn(buildpack: Buildpack, isLast: boolean, build: Build): Promise<Release> {
  const detection = await buildpack.detect(build.app)
  build.output.title(detection.accepted ? `${detection.what} (${buildpack.name})` : buildpack.name)
  if (!detection.accepted)
    build.output.warning(
      `This does not look like its kind of source (${detection.lookedFor}); it is set, so it runs all the same.`,
    )
  return buildpack.compile({ ...build, app: isLast ? build.app : asPart(build.app), dependenciesReused: false })
}

/** A buildpack that others follow installs and builds, and need not know what runs: it sees a Procfile that says it. */
const asPart = (app: AppFolder): AppFolder => ({
  ...app,
  async read(name, limitBytes) {
    const text = await app.read(name, limitBytes)
    if (name !== 'Procfile' || (text !== null && /^web\s*:/m.test(text))) return text
    return `${text ?? ''}\nweb: true\n`
  },
})

// ── other people's ───────────────────────────────────────────────────────────────────────────────────────────────────

async function runExternal(
  source: External,
  index: number,
  config: string[],
  build: Build,
): Promise<{ env: NodeJS.ProcessEnv; release: Release }> {
  const shown = describeBuildpack(source)
  const fetched = join(build.buildFolder, 'buildpacks', String(index))
  build.output.title(`Buildpack ${shown}`)
  await fetchBuildpack(source, fetched, build)
  const opened: Opened = { folder: await rootOf(fetched), shown }
  await checkBuildpack(opened)
  const around = await surroundingsOf(config, build)
  await tellDetection(opened, around, build)
  await compile(opened, around, build)
  const env = await afterExport(opened, around.env)
  const { processes, env: defaults, ignored } = await releaseOf(opened, { ...around, env }, build)
  for (const what of ignored) build.output.line(`bin/release names ${what}, which Berth leaves out`)
  return { env: { ...build.env, ...env }, release: { processes, env: defaults } }
}

/** The stack that is nearest to ours by its libraries, and whose name other people's buildpacks know. */
export const HEROKU_STACK = 'heroku-24'

/** Config vars are files in ENV_DIR and not variables, and what is between the platform and us is not there. */
async function surroundingsOf(config: string[], { buildFolder, cacheFolder, env }: Build): Promise<Surroundings> {
  const envFolder = join(buildFolder, 'env')
  const cache = join(cacheFolder, 'heroku')
  await mkdir(cache, { recursive: true })
  const values = config
    .filter((name) => name !== 'BUILDPACK_CREDENTIALS')
    .map((name) => [name, env[name] ?? ''] as const)
  await writeEnvFolder(envFolder, Object.fromEntries(values))
  return { cache, envFolder, env: { ...environmentFor(config, env), STACK: HEROKU_STACK } }
}

export function environmentFor(config: string[], env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const hidden = new Set([...config, 'BUILDPACK_CREDENTIALS'])
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name === 'PATH' || (!hidden.has(name) && !name.startsWith('BERTH_'))),
  )
}

// ── what runs ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Read at the end, since a buildpack may have put the Procfile there; it wins over the last buildpack, type by type. */
async function processesOf(app: AppFolder, last: Release) {
  const processes = { ...last.processes, ...(await readProcfile(app)) }
  if (Object.keys(processes).some((type) => type !== ('release' as ProcessType))) return processes
  throw invalidFile(
    'Nothing says how to start this app: there is no Procfile with a process, and the last buildpack names none. Add a Procfile with a line such as "web: ./serve".',
  )
}
