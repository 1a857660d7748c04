/** ◆ What a package manager is asked to do, in order: install exactly what was locked, build, remove what only that needed. */
import type { NodeApp } from './app.ts'
import type { Manager, ManagerName } from './manager.ts'
import { buildOrder, type Member } from './workspaces.ts'

/**
 * @param folder where it runs, from the root; '' is the root itself
 * @param installs whether this is the step whose result a lockfile decides
 */
export type Step = { title: string; program: ManagerName; args: string[]; folder: string; installs: boolean }

/** Scripts of the app itself that package managers run when they install. */
const installScripts = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']

/** Whether something of the repository's own runs when its dependencies are installed. */
export function runsOwnCodeAtInstall({ root, members, rootNames, settings }: NodeApp): boolean {
  const packages = [root, ...members.map((member) => member.package)]
  return (
    packages.some(({ scripts }) => installScripts.some((name) => scripts.has(name))) ||
    rootNames.some((name) => ['binding.gyp', '.pnpmfile.cjs', '.pnpmfile.mjs'].includes(name)) ||
    settings.some(({ name, text }) => name === '.yarnrc.yml' && /^plugins:/m.test(text))
  )
}

/** The packages whose build scripts run, in order; the app itself is the last. */
export function built(nodeApp: NodeApp): Member[] {
  if (nodeApp.path !== null) return buildOrder(nodeApp.members, nodeApp.path)
  return nodeApp.package.scripts.has('build') ? [{ path: '', package: nodeApp.package }] : []
}

/** Whether something of the app's own runs while it is built, and so may need what it is developed with. */
export const runsOwnCode = (nodeApp: NodeApp): boolean => built(nodeApp).length > 0 || runsOwnCodeAtInstall(nodeApp)

/** A build script that needs no package needs no install either. */
export function installs(nodeApp: NodeApp): boolean {
  const packages = [nodeApp.root, ...nodeApp.members.map((member) => member.package)]
  if (nodeApp.members.length > 0 || packages.some(({ hasDependencies }) => hasDependencies)) return true
  return runsOwnCodeAtInstall(nodeApp) || (runsOwnCode(nodeApp) && hasDevelopment(nodeApp))
}

const hasDevelopment = ({ root, members }: NodeApp): boolean => members.length > 0 || root.devDependencies.size > 0

/** @param keep whether the app runs on what is installed: a site of files does not */
export function steps(
  nodeApp: NodeApp,
  manager: Manager,
): { install: Step | null; builds: Step[]; prune: Step | null } {
  const own = runsOwnCode(nodeApp)
  const step = (title: string, args: string[], installs: boolean, folder = ''): Step => ({
    title,
    program: manager.name,
    args,
    folder,
    installs,
  })
  return {
    install: installs(nodeApp) ? step('Installing dependencies', installArgs(manager, own), true) : null,
    builds: built(nodeApp).map(({ path }) =>
      step(path === '' ? 'Building' : `Building ${path}`, ['run', 'build'], false, path),
    ),
    prune:
      hasDevelopment(nodeApp) && (own || installsAll(manager)) && installs(nodeApp) ? pruneStep(step, manager) : null,
  }
}

/** Yarn from version 2 on installs what development needs too; it takes it away in a second step. */
const installsAll = ({ isBerry }: Manager): boolean => isBerry

function installArgs({ name, lockfile, isBerry }: Manager, development: boolean): string[] {
  switch (name) {
    case 'npm':
      return [
        lockfile ? 'ci' : 'install',
        ...(lockfile ? [] : ['--no-package-lock']),
        development ? '--include=dev' : '--omit=dev',
      ]
    case 'pnpm':
      return ['install', lockfile ? '--frozen-lockfile' : '--no-lockfile', development ? '--prod=false' : '--prod']
    case 'yarn':
      if (isBerry) return ['install', lockfile ? '--immutable' : '--no-immutable']
      return ['install', lockfile ? '--frozen-lockfile' : '--no-lockfile', `--production=${!development}`]
    case 'bun':
      return [
        'install',
        ...(lockfile ? ['--frozen-lockfile'] : ['--no-save']),
        ...(development ? [] : ['--production']),
      ]
  }
}

type MakeStep = (title: string, args: string[], installs: boolean) => Step

function pruneStep(step: MakeStep, manager: Manager): Step | null {
  const title = 'Removing what only the build needed'
  const { name, lockfile, isBerry } = manager
  switch (name) {
    case 'npm':
      return step(title, ['prune', ...(lockfile ? [] : ['--no-package-lock']), '--omit=dev'], false)
    case 'pnpm':
      return step(title, [...installArgs(manager, false), '--ignore-scripts'], false)
    case 'yarn':
      // Before version 4, that is a plugin's.
      if (isBerry)
        return lacksFocus(manager) ? null : step(title, ['workspaces', 'focus', '--all', '--production'], false)
      return step(title, [...installArgs(manager, false), '--ignore-scripts'], false)
    case 'bun':
      return step(title, [...installArgs(manager, false), '--ignore-scripts'], false)
  }
}

const lacksFocus = ({ range, program }: Manager): boolean =>
  /^\D*[23]/.test(program ? (/yarn-(\d)/.exec(program)?.[1] ?? '4') : range)
