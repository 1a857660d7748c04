/** One bare repository per app, at a path made from its id (never from a URL), owned by git's own user. */
import { chmod, chown, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderNotUsable } from '#core/domain/errors.ts'
import type { AppId } from '#core/domain/ids.ts'
import type { Log } from '#core/runtime/log.ts'
import { codeOf } from '../files.ts'
import { hookScript } from './hook.ts'
import { runGit } from './run.ts'
import { confined, placeSeen } from './sandbox.ts'
import { createUpkeep } from './upkeep.ts'
import { GIT_UID, gitEnvironment, gitSettings, gitUser } from './settings.ts'

/** A repository as git is started in it. */
export type Repository = {
  /** Where git sees it. */
  path: string
  env: Record<string, string>
  /** The same with other settings, or more of them. */
  with(settings: Record<string, string>): Repository
  /** What to run, so that `argv` runs in the repository's sandbox. */
  commandLine(argv: [string, ...string[]]): [string, ...string[]]
}

export type Repositories = {
  /** The most that a repository may take. */
  maxBytes: number
  pathOf(app: AppId): string
  /** Makes the repository if it is not there. */
  open(app: AppId): Promise<Repository>
  /** How full it is, but for what pushes are bringing now. */
  room(app: AppId): Promise<{ maxBytes: number; usedBytes: number }>
  /** For a push, which says when it is over. */
  enter(app: AppId): Promise<{ repository: Repository; leave: () => void }>
  remove(app: AppId): Promise<void>
}

export type RepositoryLimits = {
  /** The most that a repository may take, in bytes. */
  maxBytes: number
  /** False: git runs as a user of its own, with limits, but sees the machine. */
  isSandboxed: boolean
}

/** @throws FOLDER_NOT_USABLE when git's user cannot work in the data folder, or when there is no git or no sandbox for it */
export async function openRepositories(home: string, limits: RepositoryLimits, log: Log): Promise<Repositories> {
  const hooks = await writeHooks(join(home, 'hooks'))
  const root = join(home, 'git')
  const pathOf = (app: AppId) => join(root, `${app}.git`)
  const at = (app: AppId) => repositoryAt(pathOf(app), hooks, limits)

  async function open(app: AppId): Promise<Repository> {
    if (!(await exists(join(pathOf(app), 'HEAD')))) await make(pathOf(app), at(app))
    return at(app)
  }

  const upkeep = createUpkeep({ at, objectsOf: (app) => join(pathOf(app), 'objects'), log })

  await makeRoot(root, hooks, limits)
  for (const name of await readdir(root)) if (name.endsWith('.git')) await upkeep.sweep(name.slice(0, -4) as AppId)
  return {
    maxBytes: limits.maxBytes,
    pathOf,
    open,
    async room(app) {
      await open(app)
      return { maxBytes: limits.maxBytes, usedBytes: await upkeep.usedBytes(app) }
    },
    enter: async (app) => ({ repository: await open(app), leave: await upkeep.enter(app) }),
    remove: (app) => rm(pathOf(app), { recursive: true, force: true }),
  }
}

function repositoryAt(path: string, hooks: string, limits: RepositoryLimits): Repository {
  const place = { repository: path, hooks }
  const seen = placeSeen(place, limits.isSandboxed)
  const describe = (settings: Record<string, string>): Repository => ({
    path: seen.repository,
    env: { ...gitEnvironment(settings), GIT_DIR: seen.repository },
    with: (more) => describe({ ...settings, ...more }),
    commandLine: (argv) =>
      confined({
        argv,
        place,
        user: gitUser,
        isSandboxed: limits.isSandboxed,
        // A pack and its index are at most twice what was pushed.
        fileBytes: 2 * limits.maxBytes,
      }),
  })
  return describe(gitSettings(seen.hooks, limits.maxBytes))
}

async function make(path: string, repository: Repository): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (gitUser) await chown(path, gitUser.uid, gitUser.gid)
  await runGit(repository, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main'])
}

/** Written at each start, so that they are always this version's. Git's user may run them but not change them. */
async function writeHooks(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
  await writeFile(join(folder, 'pre-receive'), hookScript)
  await chmod(join(folder, 'pre-receive'), 0o755)
  return folder
}

async function makeRoot(root: string, hooks: string, limits: RepositoryLimits): Promise<void> {
  await mkdir(root, { recursive: true })
  await chmod(root, 0o700)
  if (gitUser) await chown(root, gitUser.uid, gitUser.gid)
  try {
    // Git goes there itself: a working folder that is given to spawn is entered while we are still root.
    await runGit(repositoryAt(root, hooks, limits), [
      '-C',
      placeSeen({ repository: root, hooks }, limits.isSandboxed).repository,
      'version',
    ])
  } catch (error) {
    const why = limits.isSandboxed
      ? `git cannot run there in its sandbox, which bubblewrap makes, as user ${GIT_UID}. Is bubblewrap installed (npm run setup), and may it make namespaces? Where it may not, as in most containers: BERTH_GIT_SANDBOX=off`
      : `git, which runs as user ${GIT_UID}, cannot work there (are its parent folders open to others?)`
    throw folderNotUsable('BERTH_HOME', root, new Error(why, { cause: error }))
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}
