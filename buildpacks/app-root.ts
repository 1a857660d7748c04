/**
 * The folder of a repository that holds the app (BERTH_APP_ROOT), when it is not the repository's root. A folder that stands
 * for itself becomes the app, and the rest of the repository is left out of the slug. A member of a workspace needs the rest:
 * its packages and lockfile are in the root; it is built and runs where it is.
 */
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessType } from '#core/domain/ids.ts'
import type { Procfile } from '#core/domain/procfile.ts'
import { invalidFile, type AppFolder, type Output } from './contract.ts'
import { KIB, MIB, openFolder } from './folder.ts'
import { parsePackageJson } from './node/package-json.ts'
import { dropIgnored } from './source.ts'
import { findMembers, workspacePatterns } from './node/workspaces.ts'

/**
 * @param root the setting, relative to the repository; undefined or empty: the repository is the app
 * @param buildFolder where the choice is noted for the phases after
 * @returns the app's folder
 * @throws BuildFailure when there is no such folder in the repository
 */
export async function chooseRoot(
  repository: AppFolder,
  root: string | undefined,
  buildFolder: string,
  output: Output,
): Promise<AppFolder> {
  if (root === undefined || root === '' || root === '.') return repository
  const path = await checkedFolder(repository, root)
  if (await isMember(repository, path)) {
    output.title(`The app is ${path}/, a part of the repository's workspace`)
    await writeFile(join(buildFolder, NOTE), path)
    return member(repository, path)
  }
  output.title(`The app is ${path}/; the rest of the repository is left out`)
  await liftUp(repository, path)
  await dropIgnored(repository, output)
  return repository
}

const NOTE = 'app-root'

/** The folder that an earlier phase chose. */
export async function chosenRoot(repository: AppFolder, buildFolder: string): Promise<AppFolder> {
  const path = await readFile(join(buildFolder, NOTE), 'utf8').catch(() => null)
  return path === null ? repository : member(repository, path)
}

const member = (repository: AppFolder, path: string): AppFolder => ({
  ...openFolder(join(repository.path, path)),
  within: { root: repository, path },
})

async function checkedFolder(repository: AppFolder, root: string): Promise<string> {
  const parts = root.split('/').filter((part) => part !== '' && part !== '.')
  let above = ''
  for (const part of parts) {
    const place = above === '' ? part : `${above}/${part}`
    const status = part === '..' ? null : await lstat(join(repository.path, place)).catch(() => null)
    if (!status?.isDirectory()) throw await noSuchFolder(repository, root, { above, isThere: status !== null })
    above = place
  }
  return above
}

async function noSuchFolder(
  repository: AppFolder,
  root: string,
  { above, isThere }: { above: string; isThere: boolean },
): Promise<Error> {
  const entries = await readdir(join(repository.path, above), { withFileTypes: true })
  const folders = entries
    .filter((entry) => entry.isDirectory() && /^[\w@-][\w.@-]*$/.test(entry.name))
    .map(({ name }) => name)
  const where = above === '' ? 'its root' : above
  const there = folders.length > 0 ? `; in ${where} are the folders ${folders.sort().slice(0, 10).join(', ')}` : ''
  const what = isThere ? 'there it has a file or a link' : 'the source has no such folder'
  return invalidFile(
    `The app's root is set to ${JSON.stringify(root.slice(0, 200))}, and ${what}${there}. Change it (berth apps:set root=FOLDER), or push the folder.`,
  )
}

/** Whether the repository is a workspace that has the folder among its packages, and the folder no lockfile of its own. */
async function isMember(repository: AppFolder, path: string): Promise<boolean> {
  const text = await repository.read('package.json', MIB)
  const folder = openFolder(join(repository.path, path))
  const own = ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb']
  if (text === null || (await folder.names()).some((name) => own.includes(name))) return false
  const pnpm = await repository.read('pnpm-workspace.yaml', 256 * KIB)
  const settings = pnpm === null ? [] : [{ name: 'pnpm-workspace.yaml', text: pnpm }]
  const members = await findMembers(repository, workspacePatterns(parsePackageJson(text), settings))
  return members.some((each) => each.path === path)
}

/** Moves the folder's content to where the repository's was, within one file system. */
async function liftUp({ path: repository }: AppFolder, path: string): Promise<void> {
  const [first = ''] = path.split('/')
  for (const name of await readdir(repository))
    if (name !== first) await rm(join(repository, name), { recursive: true, force: true })
  // Aside first: the folder may hold something of its own name.
  const aside = join(repository, `.berth-lift-${process.hrtime.bigint()}`)
  await mkdir(aside)
  await rename(join(repository, path), join(aside, 'app'))
  await rm(join(repository, first), { recursive: true, force: true })
  for (const name of await readdir(join(aside, 'app'))) await rename(join(aside, 'app', name), join(repository, name))
  await rm(aside, { recursive: true, force: true })
}

/**
 * Commands start in the root of what was packed: those of a member go to its folder first, and find its own programs. One
 * program replaces the shell.
 */
export function inFolder(processes: Procfile, app: AppFolder): Procfile {
  const path = app.within?.path
  if (path === undefined) return processes
  const folder = `'${path.replaceAll("'", `'\\''`)}'`
  const commands = Object.entries(processes) as [ProcessType, string][]
  return Object.fromEntries(
    commands.map(([type, command]) => [
      type,
      `cd ${folder} && PATH="$PWD/node_modules/.bin:$PATH" && ${isOneProgram(command) ? 'exec ' : ''}${command}`,
    ]),
  )
}

/** Words and plain variables only, no assignment in front. */
const isOneProgram = (command: string): boolean =>
  /^[\w./@:+-]+(?: +[\w./@:=+,$-]+)*$/.test(command) && !/^(?:cd|export|exit|exec|trap|set|\.)\b/.test(command)
