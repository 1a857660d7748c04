/** The root folder of an app in a repository of several: what is in it becomes the app, as if it were the repository. */
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { KIB, MIB } from './folder.ts'
import { invalidFile, type AppFolder, type Output } from './contract.ts'
import { dropIgnored } from './source.ts'

const ASIDE = '.berth-root'

/**
 * Moves the folder's content to the top and drops the rest, unless the folder is a member of a workspace, which needs the
 * lockfile and the neighbours above it.
 * @throws BuildFailure when there is no such folder, naming those that there are
 */
export async function enterRoot(app: AppFolder, root: string, output: Output): Promise<void> {
  await checkRoot(app, root)
  if (await isWorkspaceMember(app, root)) return
  const aside = join(app.path, ASIDE)
  await rm(aside, { recursive: true, force: true })
  await mkdir(aside)
  await rename(join(app.path, root), join(aside, 'app'))
  for (const name of await readdir(app.path)) if (name !== ASIDE) await rm(join(app.path, name), { recursive: true })
  for (const name of await readdir(join(aside, 'app'))) await rename(join(aside, 'app', name), join(app.path, name))
  await rm(aside, { recursive: true })
  output.title(`The app is the folder ${root} of the source`)
  await dropIgnored(app, output)
}

async function checkRoot(app: AppFolder, root: string): Promise<void> {
  let place = ''
  for (const part of root.split('/')) {
    const above = place
    place = place === '' ? part : `${place}/${part}`
    const status = await lstat(join(app.path, place)).catch(() => null)
    if (status?.isDirectory()) continue
    const there = await foldersIn(app, above)
    throw invalidFile(
      status
        ? `The root folder of this app is set to ${root}, and ${place} is not a folder but a file or a link. Change it: berth apps:set root=FOLDER`
        : `The root folder of this app is set to ${root}, which the source does not have. ${above === '' ? 'Its folders are' : `In ${above} there are`}: ${there}. Change it: berth apps:set root=FOLDER`,
    )
  }
  if ((await app.names(root)).length === 0) throw invalidFile(`The root folder of this app, ${root}, is empty.`)
}

const NAMED = 20

async function foldersIn(app: AppFolder, folder: string): Promise<string> {
  const entries = await readdir(join(app.path, folder), { withFileTypes: true })
  const names = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
  const shown = names.slice(0, NAMED).map((name) => (/^[\w.@+-]+$/.test(name) ? name : JSON.stringify(name)))
  return shown.join(', ') + (names.length > NAMED ? ' and more' : '') || 'no folders'
}

/** npm, Yarn and Bun list workspaces in package.json, pnpm in a file of its own. */
async function isWorkspaceMember(app: AppFolder, root: string): Promise<boolean> {
  if (!(await app.has(join(root, 'package.json')))) return false
  if ((await app.read('pnpm-workspace.yaml', 64 * KIB)) !== null) return true
  return /"workspaces"\s*:/.test((await app.read('package.json', MIB)) ?? '')
}
