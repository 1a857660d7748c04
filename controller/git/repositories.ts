/** One bare repository per app, at a path made from its id (never from a URL), owned by git's own user. */
import { chmod, chown, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderNotUsable } from '#core/domain/errors.ts'
import type { AppId } from '#core/domain/ids.ts'
import { codeOf } from '../files.ts'
import { hookScript } from './hook.ts'
import { asGitUser, GIT_UID, gitEnvironment, runGit } from './settings.ts'

export type Repositories = {
  /** The folder of all, and the environment that git runs with. */
  root: string
  env: Record<string, string>
  pathOf(app: AppId): string
  /** Makes the repository if it is not there. */
  ensure(app: AppId): Promise<void>
  remove(app: AppId): Promise<void>
}

export const MAIN = 'refs/heads/main'

/** @throws FOLDER_NOT_USABLE when git's user cannot reach the data folder, or when there is no git */
export async function openRepositories(home: string): Promise<Repositories> {
  const hooks = await writeHooks(join(home, 'hooks'))
  const root = join(home, 'git')
  const env = gitEnvironment(hooks)
  await makeRoot(root, env)
  const pathOf = (app: AppId) => join(root, `${app}.git`)
  return {
    root,
    env,
    pathOf,
    async ensure(app) {
      if (await exists(join(pathOf(app), 'HEAD'))) return
      await runGit(['init', '--quiet', '--bare', '--template=', '--initial-branch=main', pathOf(app)], env)
    },
    remove: (app) => rm(pathOf(app), { recursive: true, force: true }),
  }
}

/** Written at each start, so that they are always this version's. Git's user may run them but not change them. */
async function writeHooks(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
  await writeFile(join(folder, 'pre-receive'), hookScript)
  await chmod(join(folder, 'pre-receive'), 0o755)
  return folder
}

async function makeRoot(root: string, env: Record<string, string>): Promise<void> {
  await mkdir(root, { recursive: true })
  await chmod(root, 0o700)
  if (asGitUser.uid !== undefined && asGitUser.gid !== undefined) await chown(root, asGitUser.uid, asGitUser.gid)
  try {
    // Git goes there itself: a working folder that is given to spawn is entered while we are still root.
    await runGit(['-C', root, '--version'], env)
  } catch (error) {
    throw folderNotUsable(
      'BERTH_HOME',
      root,
      new Error(`git, which runs as user ${GIT_UID}, cannot work there (are its parent folders open to others?)`, {
        cause: error,
      }),
    )
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
