/** Builds as the agent runs them, on a test's own host: the controller is a file with the source, and layers stay here. */
import { existsSync } from 'node:fs'
import { copyFile, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildSpec } from '#core/contract/internal.ts'
import type { AppId, DeployId } from '#core/domain/ids.ts'
import type { Manifest } from '#core/domain/manifest.ts'
import type { BuildReport, Deploy } from '#core/domain/release.ts'
import type { Slug } from '#core/domain/slug.ts'
import { defaultShare } from '#core/domain/quota.ts'
import { silentLog } from '#core/runtime/log.ts'
import { run } from '#core/runtime/process.ts'
import { build } from '../../agent/build.ts'
import { noLeftovers, removeLeftovers } from '../../agent/builds/leftovers.ts'
import type { ControllerClient } from '../../agent/controller-client.ts'
import { certificateEnv, mirrorsOf } from '../../agent/host.ts'
import { preparePlatform } from '../../agent/platform.ts'
import { openPlaces } from '../../agent/ports.ts'
import { createRuntimes, type Runtimes } from '../../agent/runtimes/index.ts'
import { ensureDebianRuntime } from '../../agent/runtimes/debian.ts'
import { ensurePlatformNode, installWithHeaders } from '../../agent/runtimes/npm.ts'
import type { SandboxHandle } from '../../agent/sandbox/index.ts'
import { openLayers } from '../../agent/slug.ts'
import { npmFolder } from './npm.ts'
import { uidBaseOf, type TestHost } from './sandboxes.ts'
import { waitFor } from './world.ts'

export type BuildOutcome = {
  slug: Slug | null
  manifest: Manifest | null
  error: string
  log: string
  /** /proc/PID/status on the host, of the first process of each phase. */
  statuses: string[]
}

export type BuildOptions = {
  /** A file, as the controller hands it out: a tar archive, unless the buildpacks are others. */
  source: string
  /** A folder with a main.mjs, instead of the platform's. */
  buildpacks?: string | null
  app?: string
  /** What the source is, if it is a ready slug. */
  ready?: Slug | null
  diskMb?: number
  /** Config vars, and what is set for the app's builds. */
  env?: Record<string, string>
  settings?: { buildpacks?: string[]; root?: string | null }
  /** Not the app's first build. */
  previous?: BuildSpec['previous']
  /** Buildpacks that the operator offers, as folders by their names. */
  offered?: Record<string, string>
  timeoutMs?: number
  onPrint?: (line: string) => void
  uploadLayer?: () => Promise<void>
  /** Compilers are there where the build asks for them; they may have to be prepared first. */
  compilers?: boolean
  /** Of the cache. */
  generation?: number
  cacheMb?: number
  /** On another disk. */
  buildsFolder?: string
}

let deploys = 0
/** The test's own sandboxes count theirs from below. */
const placesOfOthers = Array.from({ length: 100 }, (_, index) => index)

export async function runBuild(
  { host, config, folders }: Pick<TestHost, 'host' | 'config' | 'folders'>,
  options: BuildOptions,
): Promise<BuildOutcome> {
  const { source, buildpacks = null, app = 'a-built', ready = null, diskMb = 200, timeoutMs = 60_000 } = options
  const { env = {}, settings = {}, previous = null, offered = {}, generation = 0, cacheMb = 64 } = options
  const { buildsFolder = folders.builds, compilers = false } = options
  const { onPrint = () => {}, uploadLayer = () => Promise.resolve() } = options
  const deploy = { id: `d-${++deploys}` as DeployId, appId: app as AppId, buildEpoch: 1 } as Deploy
  const npmContext = { cacheDir: config.cache, npmRegistry: config.npmRegistry, log: silentLog }
  const node = await ensurePlatformNode(npmContext)
  if (!existsSync(join(folders.platform, 'main.mjs'))) await preparePlatform(folders.platform, config.cache, node)
  const npm = await npmFolder()
  const debian = {
    cacheDir: config.cache,
    folder: join(folders.runtimes, 'preparing'),
    slot: host.slot,
    mirrors: mirrorsOf(config),
    log: silentLog,
  }
  const lines: string[] = []
  const statuses: string[] = []
  let last: BuildReport | null = null
  const controller: ControllerClient = {
    storeLogin: () => Promise.resolve(null),
    jobsKey: () => Promise.reject(new Error('nothing is queued here')),
    launch: () => Promise.reject(new Error('nothing is launched here')),
    build: () =>
      Promise.resolve({
        deployId: deploy.id,
        appId: app,
        tenantId: 'default',
        uidBase: uidBaseOf(app),
        commit: '0'.repeat(40),
        env,
        previous,
        ready: ready as BuildSpec['ready'],
        stack: null,
        cacheGeneration: generation,
        share: defaultShare,
        buildpacks: settings.buildpacks ?? [],
        root: settings.root ?? null,
      }),
    downloadSource: (_id, file) => copyFile(source, file),
    async downloadBuildpack(name, _ref, file) {
      const folder = offered[name]
      if (folder === undefined) throw new Error(`The controller answered with 404: no buildpack ${name}`)
      await run(['tar', '-c', '-f', file, '-C', folder, '.'])
    },
    downloadLayer: () => Promise.reject(new Error('every layer is here already')),
    hasLayer: () => Promise.resolve(true),
    uploadLayer,
  }
  const leftovers = noLeftovers()
  await build(
    {
      log: silentLog,
      config: { ...config, buildDiskMb: diskMb, buildCacheMb: cacheMb, buildTimeoutMs: timeoutMs },
      host,
      folder: buildsFolder,
      cacheFolder: folders.caches,
      platformBinds: [
        { source: buildpacks ?? folders.platform, target: '/berth', readOnly: true },
        { source: node, target: '/opt/berth-node', readOnly: true },
      ],
      stacks: {
        own: { name: 'test', file: '', root: host.rootPath },
        rootOf: () => Promise.resolve(host.rootPath),
        layersOf: () => Promise.resolve([]),
        present: () => [],
        look: () => Promise.resolve(),
      },
      baseEnv: { LANG: 'C.UTF-8', ...certificateEnv },
      controller,
      layers: openLayers(folders.layers, controller, silentLog),
      runtimes: (compilers ? asTheyAre : withoutCompilers)(
        createRuntimes({
          installPackage: ({ name }) => Promise.resolve(name === 'node' ? node : npm),
          installWithHeaders: (version) => installWithHeaders(version, npmContext),
          installDebian: (request, onProgress, signal) => ensureDebianRuntime(request, debian, onProgress, signal),
          resolvePackage: ({ name }) => Promise.resolve({ name, version: process.versions.node }),
          folder: folders.runtimes,
          now: () => Date.now(),
        }),
      ),
      places: openPlaces(folders.agent, placesOfOthers),
      preparations: null,
      meter: {
        track: (_owner, sandbox) => void statusOf(sandbox).then((status) => statuses.push(status)),
        countOutput: () => {},
        finish: () => Promise.resolve(null),
      },
      print: (_deploy, printed) => {
        printed.forEach(onPrint)
        return Promise.resolve(void lines.push(...printed))
      },
      report: (_deploy, report) => {
        last = report
        return Promise.resolve(true)
      },
      now: () => Date.now(),
    },
    deploy,
    AbortSignal.timeout(timeoutMs + 30_000),
    leftovers,
    0,
  ).finally(() => removeLeftovers(leftovers))
  const report = last as BuildReport | null
  return {
    slug: report?.state === 'succeeded' ? report.slug : null,
    manifest: report?.state === 'succeeded' ? report.manifest : null,
    error: report?.state === 'failed' ? report.error : '',
    log: lines.join('\n'),
    statuses,
  }
}

/** Where the layers of a slug that was built here are mounted, for a sandbox of the app's. */
export function mountSlug({ folders }: TestHost, slug: Slug): Promise<string[]> {
  const away = () => Promise.reject(new Error('every layer is here already'))
  const controller = { downloadLayer: away, uploadLayer: away } as unknown as ControllerClient
  return openLayers(folders.layers, controller, silentLog).mount(slug.layers, AbortSignal.timeout(30_000))
}

const asTheyAre = (runtimes: Runtimes): Runtimes => runtimes
/** Most buildpacks of the tests compile nothing, so that a machine need not prepare compilers for them. */
const withoutCompilers = (runtimes: Runtimes): Runtimes => ({
  ...runtimes,
  mounts: (refs, how) =>
    runtimes.mounts(
      refs.filter(({ name }) => name !== 'toolchain'),
      how,
    ),
})

/** Of the sandbox's first process, once the runtime has become the init that was asked for. */
async function statusOf({ pid }: SandboxHandle): Promise<string> {
  const isInit = () => readlink(`/proc/${pid}/exe`).then((exe) => exe.endsWith('/tini'))
  await waitFor(isInit, { timeoutMs: 5000, what: 'the init of a build' })
  return readFile(`/proc/${pid}/status`, 'utf8')
}
