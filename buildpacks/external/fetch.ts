/**
 * Brings a buildpack of somebody else's into a folder of the build. It runs inside the build sandbox, as the tenant: the
 * network policy, the limits and the user are those of a build. What was fetched is kept in the app's own cache, by commit;
 * it is not shared between apps, because one tenant could then put its own into another's builds.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeBuildpack, type BuildpackSource } from '#core/domain/buildpack.ts'
import { BuildFailure, exitCodes, type Build } from '../contract.ts'
import { unpackCommand } from '../source.ts'
import { runQuietly } from '../steps.ts'
import { ask, complaintOf, type Answered } from './programs.ts'

type Fetched = Exclude<BuildpackSource, { kind: 'own' }>
type Where = Pick<Build, 'buildFolder' | 'cacheFolder' | 'env' | 'output'>

/** @throws BuildFailure that names the buildpack, never its credentials */
export async function fetchBuildpack(source: Fetched, folder: string, build: Where): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  switch (source.kind) {
    case 'git':
      return fetchGit(source, folder, build)
    case 'archive':
      return fetchArchive(source, folder, build)
    case 'offered':
      return runQuietly(unpackCommand(offeredFile(build.buildFolder, source.name), folder), folder, build.output)
  }
}

/** Where the agent puts it. */
export const offeredFile = (buildFolder: string, name: string): string => join(buildFolder, 'offered', `${name}.tar`)

// ── git ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_BYTES = 256 * 1024 * 1024
const FETCH_MS = 180_000
const SHORT_MS = 60_000
const RETRY_AFTER_MS = [1_000, 4_000]

async function fetchGit(source: Extract<Fetched, { kind: 'git' }>, folder: string, build: Where): Promise<void> {
  const cache = join(build.cacheFolder, 'buildpacks')
  await mkdir(cache, { recursive: true })
  const repository = join(cache, `${createHash('sha256').update(source.url).digest('hex').slice(0, 32)}.git`)
  const credentials = await writeCredentials(build)
  const git = (args: string[], timeoutMs = SHORT_MS) =>
    ask(gitCommand(repository, credentials, args), { folder, env: gitEnvironment(build.env), timeoutMs })
  try {
    const commit = await retrying(source, repository, build, async () => {
      await succeed(git(['init', '--quiet', '--bare', repository]))
      return commitOf(source, git)
    })
    await succeed(git([`--work-tree=${folder}`, 'checkout', '--quiet', '--force', commit, '--', '.']))
    build.output.line(`${describeBuildpack(source)} at ${commit.slice(0, 12)}`)
    if (await exists(join(folder, '.gitmodules')))
      build.output.warning(`${describeBuildpack(source)} has git submodules, which are not fetched.`)
  } catch (error) {
    if (!(error instanceof Failed)) throw error
    throw notFetched(source, error.message)
  } finally {
    if (credentials) await rm(credentials, { force: true })
  }
}

class Failed extends Error {}

async function succeed(answer: Promise<Answered>): Promise<string> {
  const answered = await answer
  if (answered.code === 0) return answered.stdout.trim()
  throw new Failed(complaintOf(answered) || 'git was ended: it took too long, or the repository is too large')
}

/** A commit that is named in full and is there needs no network. */
async function commitOf(
  { url, ref }: Extract<Fetched, { kind: 'git' }>,
  git: (args: string[], timeoutMs?: number) => Promise<Answered>,
): Promise<string> {
  const named = ref !== null && /^[0-9a-f]{7,64}$/.test(ref) ? ref : null
  if (named !== null && named.length >= 40 && (await git(['cat-file', '-e', `${named}^{commit}`])).code === 0)
    return named
  const fetch = ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--force']
  const direct = await git([...fetch, '--depth', '1', url, ref ?? 'HEAD'], FETCH_MS)
  if (direct.code === 0) return succeed(git(['rev-parse', '--verify', '--quiet', 'FETCH_HEAD^{commit}']))
  if (named === null) return succeed(Promise.resolve(direct))
  // A server need not hand out commits by their number, and never by the beginning of one.
  await succeed(git([...fetch, url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'], FETCH_MS))
  return succeed(git(['rev-parse', '--verify', '--quiet', `${named}^{commit}`]))
}

/** Once more from nothing, in case that it is the copy in the cache that is broken; and later, in case of the network. */
async function retrying(
  source: Fetched,
  repository: string,
  { output }: Where,
  work: () => Promise<string>,
): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return await work()
    } catch (error) {
      const waitMs = RETRY_AFTER_MS[tries]
      if (!(error instanceof Failed) || waitMs === undefined || isFinal(error.message)) throw error
      output.line(`${describeBuildpack(source)}: ${error.message}; trying again in ${waitMs / 1000} s`)
      await rm(repository, { recursive: true, force: true })
      await sleep(waitMs)
    }
  }
}

const isFinal = (complaint: string): boolean =>
  /not found|couldn't find remote ref|Authentication failed|could not read Username|terminal prompts disabled|\b40[134]\b|ENOENT/i.test(
    complaint,
  )

/** Only https, whatever the repository, a redirect or a submodule says; nothing of it is executed by git. */
export const gitCommand = (repository: string, credentials: string | null, args: string[]): [string, ...string[]] => [
  'prlimit',
  `--fsize=${MAX_BYTES}`,
  'git',
  ...['protocol.allow=never', 'protocol.https.allow=always', 'core.hooksPath=/dev/null', 'credential.helper='].flatMap(
    (setting) => ['-c', setting],
  ),
  ...(credentials ? ['-c', `credential.helper=store --file=${credentials}`] : []),
  ...['http.lowSpeedLimit=1000', 'http.lowSpeedTime=30', 'gc.auto=0', 'advice.detachedHead=false'].flatMap(
    (setting) => ['-c', setting],
  ),
  ...(args[0] === 'init' ? [] : [`--git-dir=${repository}`]),
  ...args,
]

const gitEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C.UTF-8',
})

/** The config var BUILDPACK_CREDENTIALS, URLs with a user and a token each, as git's own store has them. */
async function writeCredentials({ env, buildFolder }: Where): Promise<string | null> {
  const urls = env['BUILDPACK_CREDENTIALS']?.split(/\s+/).filter((url) => url !== '') ?? []
  if (urls.length === 0) return null
  const file = join(buildFolder, 'credentials')
  await writeFile(file, `${urls.join('\n')}\n`, { mode: 0o600 })
  return file
}

// ── archives ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function fetchArchive(
  source: Extract<Fetched, { kind: 'archive' }>,
  folder: string,
  build: Where,
): Promise<void> {
  const file = `${folder}.tgz`
  const fetched = await ask(curlCommand(source.url, file), { folder, env: build.env, timeoutMs: FETCH_MS })
  if (fetched.code !== 0) throw notFetched(source, complaintOf(fetched) || 'it took too long')
  const unpacked = await ask(
    ['tar', '-x', '-z', '--no-same-owner', '--no-same-permissions', '-f', file, '-C', folder],
    {
      folder,
      env: build.env,
      timeoutMs: FETCH_MS,
    },
  )
  await rm(file, { force: true })
  if (unpacked.code !== 0) throw notFetched(source, complaintOf(unpacked) || 'it is too large')
  build.output.line(source.url)
}

export const curlCommand = (url: string, file: string): [string, ...string[]] => [
  'curl',
  '--fail',
  '--silent',
  '--show-error',
  '--location',
  '--proto',
  '=https',
  '--proto-redir',
  '=https',
  '--retry',
  '2',
  '--max-filesize',
  String(MAX_BYTES),
  '--output',
  file,
  '--',
  url,
]

/** Archives of hosting sites have everything below one folder. */
export async function rootOf(folder: string): Promise<string> {
  const names = await readdir(folder)
  const [only] = names
  return names.length === 1 && only !== undefined && only !== 'bin' ? join(folder, only) : folder
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const notFetched = (source: Fetched, why: string) =>
  new BuildFailure(
    exitCodes.failedStep,
    `The buildpack ${describeBuildpack(source)} could not be fetched: ${why.replace(/[.\s]+$/, '')}. ` +
      'Check its URL; for a private one, put https://USER:TOKEN@HOST into the config var BUILDPACK_CREDENTIALS.',
  )
