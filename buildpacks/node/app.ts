/** All of a Node app that decides its build, read once. */
import type { Procfile } from '#core/domain/procfile.ts'
import type { AppFolder } from '../contract.ts'
import { KIB, MIB } from '../folder.ts'
import { readProcfile } from '../processes.ts'
import { parsePackageJson, type PackageJson } from './package-json.ts'
import { findMembers, workspacePatterns, type Member } from './workspaces.ts'

export type TextFile = { name: string; text: string }

export type NodeApp = {
  /** The app's own package.json. */
  package: PackageJson
  /** That of the workspace's root, where dependencies are installed; without a workspace, the app's own. */
  root: PackageJson
  procfile: Procfile | null
  /** Those of the root, one or more for each package manager that left one, its preferred one first. */
  lockfiles: TextFile[]
  /** The package managers' own settings in the root. */
  settings: TextFile[]
  versionFile: TextFile | null
  /** Names of the files in the app's folder. */
  names: string[]
  /** Names of the files in the root. */
  rootNames: string[]
  /** Whether `main` is there, in whatever folder. */
  hasMain: boolean
  /** Packages of the repository itself, when it is a workspace. */
  members: Member[]
  /** The app's folder in the workspace; null when it is the root. */
  path: string | null
}

const lockfileNames = [
  'npm-shrinkwrap.json',
  'package-lock.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'bun.lock',
  'bun.lockb',
]
const settingNames = ['.npmrc', '.yarnrc', '.yarnrc.yml', 'pnpm-workspace.yaml', 'bunfig.toml']

export async function readNodeApp(app: AppFolder): Promise<NodeApp> {
  const root = app.within?.root ?? app
  const own = await readPackage(app, app.within ? `${app.within.path}/package.json` : 'package.json')
  const rootPackage = app.within ? await readPackage(root, 'package.json') : own
  const settings = await allOf(root, settingNames, 256 * KIB)
  return {
    package: own,
    root: rootPackage,
    procfile: await readProcfile(app),
    lockfiles: await allOf(root, lockfileNames, 32 * MIB),
    settings,
    versionFile: (await allOf(app, versionFiles, KIB))[0] ?? (await allOf(root, versionFiles, KIB))[0] ?? null,
    names: await app.names(),
    rootNames: await root.names(),
    hasMain: own.main !== null && (await app.has(own.main)),
    members: await findMembers(root, workspacePatterns(rootPackage, settings)),
    path: app.within?.path ?? null,
  }
}

const versionFiles = ['.nvmrc', '.node-version']

export async function readPackage(app: AppFolder, name = 'package.json'): Promise<PackageJson> {
  return parsePackageJson((await app.read('package.json', MIB)) ?? '', name)
}

async function allOf(app: AppFolder, names: string[], limitBytes: number): Promise<TextFile[]> {
  const found: TextFile[] = []
  for (const name of names) {
    const text = await app.read(name, limitBytes)
    if (text !== null) found.push({ name, text })
  }
  return found
}

export const settingsOf = ({ settings }: NodeApp, name: string): string | null =>
  settings.find((file) => file.name === name)?.text ?? null
