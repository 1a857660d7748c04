/** ◆ What is installed, as a layer of its own: which folders, and when an earlier build's can be taken again. */
import type { DependencyLayer } from '../contract.ts'
import type { NodeApp } from './app.ts'
import type { Manager } from './manager.ts'
import { installs, runsOwnCode, runsOwnCodeAtInstall } from './steps.ts'

const MAX_FOLDERS = 40

/**
 * Folders of packages are packed apart from the app, so that a release which did not touch them stores nothing new. An
 * earlier build's are taken again, and nothing is installed, when they follow from what is in the key and from nothing
 * else: there is a lockfile, no folder of the repository is copied into them, and none of the app's own code runs before
 * they are done. A build script may write among them, so that they are not taken again with one.
 * @param digest SHA-256 of a text, hex
 * @returns null when nothing is installed
 */
export function dependencyLayer(
  nodeApp: NodeApp,
  manager: Manager,
  runtime: string,
  digest: (text: string) => string,
): DependencyLayer | null {
  if (!installs(nodeApp)) return null
  const paths = dependencyFolders(nodeApp)
  const isFixed = manager.lockfile !== null && !runsOwnCode(nodeApp) && paths.length <= MAX_FOLDERS
  const key = isFixed ? dependencyKey(nodeApp, manager, runtime, digest) : null
  return { key, paths: paths.slice(0, MAX_FOLDERS) }
}

/** What decides the packages that an install gives; null when more than the repository's lists of packages do. */
export function dependencyKey(
  nodeApp: NodeApp,
  manager: Manager,
  runtime: string,
  digest: (text: string) => string,
): string | null {
  const { root, members, settings } = nodeApp
  const { lockfile, name, range, program } = manager
  if (lockfile === null || runsOwnCodeAtInstall(nodeApp) || linksFolders(nodeApp, lockfile.text)) return null
  const packages = members.map((member) => [member.path, member.package.decisive])
  const decisive = ['node_modules 2', runtime, name, range, program, root.decisive, packages, lockfile, settings]
  return digest(JSON.stringify(decisive))
}

/** A workspace's packages may have some of their own beside those of the root. */
const dependencyFolders = ({ members }: NodeApp): string[] => [
  'node_modules',
  ...members.map(({ path }) => `${path}/node_modules`).filter((path) => isPlain(path)),
]

const isPlain = (path: string): boolean => /^[A-Za-z0-9._@-]+(\/[A-Za-z0-9._@-]+)*$/.test(path) && path.length <= 200

/** Whether a dependency is a folder, an archive or a patch of the repository itself. A false alarm only costs the reuse. */
function linksFolders({ root, members, settings }: NodeApp, lockfile: string): boolean {
  const packages = [root, ...members.map((member) => member.package)]
  const folders = new Set(members.map(({ path }) => path))
  const links = lockfile.matchAll(/"resolved"\s*:\s*"([^"]*)"\s*,\s*"link"\s*:\s*true/g)
  return (
    packages.some(({ ranges }) =>
      ranges.some((range) => /^(?:file:|link:|portal:|patch:|\.{1,2}\/|~\/|\/)/.test(range)),
    ) ||
    packages.some(({ decisive }) => /"patchedDependencies":/.test(JSON.stringify(decisive))) ||
    settings.some(({ text }) => /^patchedDependencies:/m.test(text)) ||
    [...links].some(([, folder = '']) => !folders.has(folder)) ||
    /"resolved"\s*:\s*"file:/.test(lockfile)
  )
}
