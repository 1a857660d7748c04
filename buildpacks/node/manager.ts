/** ◆ Which package manager an app is installed by, at which version, and why: packageManager, or else the lockfile. */
import { invalidFile } from '../contract.ts'
import { settingsOf, type NodeApp, type TextFile } from './app.ts'
import { checkedRange } from './versions.ts'

export type ManagerName = 'npm' | 'pnpm' | 'yarn' | 'bun'

export type Manager = {
  name: ManagerName
  /** A range of versions, for the agent. */
  range: string
  /** Why this version, for the pusher. */
  reason: string
  lockfile: TextFile | null
  /** Yarn from version 2 on: another program than the one before. */
  isBerry: boolean
  /** A program in the repository that is run instead of one from the registry (Yarn's yarnPath). */
  program: string | null
}

export const lockfilesOf: Record<ManagerName, string[]> = {
  npm: ['npm-shrinkwrap.json', 'package-lock.json'],
  pnpm: ['pnpm-lock.yaml'],
  yarn: ['yarn.lock'],
  bun: ['bun.lock', 'bun.lockb'],
}
const managers = Object.keys(lockfilesOf) as ManagerName[]

/** @throws BuildFailure when the app's files contradict each other */
export function chooseManager(nodeApp: NodeApp): Manager {
  const named = readPackageManager(nodeApp.root.packageManager)
  const present = managers.filter((name) => lockfileOf(nodeApp, name) !== null)
  const name = named?.name ?? onlyOne(present, nodeApp)
  const lockfile = lockfileOf(nodeApp, name)
  const [other] = present
  if (lockfile === null && other !== undefined)
    throw invalidFile(
      `package.json names ${name} in packageManager, and the only lockfile is ${lockfileOf(nodeApp, other)?.name}, which is ${other}'s. ` +
        `Run \`${installCommands[name]}\` and commit ${lockfilesOf[name].at(-1)}, or name ${other} in packageManager.`,
    )
  const program = name === 'yarn' ? yarnPath(nodeApp) : null
  const version = named?.version
    ? checkedRange('packageManager in package.json', named.version, `package.json asks for ${name}@${named.version}`)
    : versionOf(nodeApp, name, lockfile)
  return { name, ...version, lockfile, program, isBerry: name === 'yarn' && isBerry(version.range, lockfile, program) }
}

function lockfileOf({ lockfiles }: NodeApp, name: ManagerName): TextFile | null {
  return lockfiles.find((file) => lockfilesOf[name].includes(file.name)) ?? null
}

const installCommands: Record<ManagerName, string> = {
  npm: 'npm install --package-lock-only',
  pnpm: 'pnpm install --lockfile-only',
  yarn: 'yarn install',
  bun: 'bun install --lockfile-only',
}

/** Two lockfiles say two different things about the same dependencies: guessing would install what nobody tested. */
function onlyOne(present: ManagerName[], nodeApp: NodeApp): ManagerName {
  const [first = 'npm', second] = present
  if (second === undefined) return first
  const files = present.map((name) => lockfileOf(nodeApp, name)?.name).join(' and ')
  throw invalidFile(
    `This app has ${files}, lockfiles of different package managers. Keep one and remove the others (git rm), ` +
      `or say which counts with "packageManager": "${first}@VERSION" in package.json.`,
  )
}

/** `pnpm@10.34.9`, with the checksum that corepack adds. */
function readPackageManager(text: string | null): { name: ManagerName; version: string | null } | null {
  if (text === null || text === '') return null
  const match = /^(\w+)(?:@([\w.*^~<>= -]+?)(?:\+[\w.]+)?)?$/.exec(text)
  const name = managers.find((each) => each === match?.[1])
  if (name === undefined)
    throw invalidFile(
      `package.json: "packageManager" is ${JSON.stringify(text.slice(0, 100))}; it must be one of ${managers.join(', ')} and a version, such as "pnpm@10.34.9".`,
    )
  return { name, version: match?.[2] ?? null }
}

function versionOf(nodeApp: NodeApp, name: ManagerName, lockfile: TextFile | null): { range: string; reason: string } {
  const asked = nodeApp.root.engines.get(name)
  // People also write sentences there, such as "please use pnpm".
  if (asked !== undefined && /^[\d.x*^~<>=| v-]{1,100}$/i.test(asked) && /[\d*]/.test(asked))
    return { range: asked, reason: `package.json asks for ${asked} in engines.${name}` }
  const fitting = lockfile ? fittingRange(name, lockfile) : null
  if (fitting && lockfile) return { range: fitting, reason: `${lockfile.name} was made by such a version` }
  return { range: usual[name], reason: purposes[name] }
}

const usual: Record<ManagerName, string> = { npm: '10.x', pnpm: '10.x', yarn: '1.x', bun: '1.x' }
const installs = 'installs the dependencies; it is not there when the app runs'
const purposes: Record<ManagerName, string> = {
  npm: installs,
  pnpm: installs,
  yarn: installs,
  bun: 'installs and runs',
}

/** Which versions wrote a lockfile of this format: another would refuse it, or write it anew. */
function fittingRange(name: ManagerName, { text }: TextFile): string | null {
  if (name === 'pnpm') return pnpmFormats[/^lockfileVersion:\s*['"]?(\d+)/m.exec(text)?.[1] ?? ''] ?? null
  if (name !== 'yarn') return null
  const format = /^__metadata:\s*\n\s+version:\s*["']?(\d+)/m.exec(text)?.[1]
  if (format === undefined) return '1.x'
  return berryFormats[format] ?? '>=4.15'
}

/** Told by what each version writes: one that writes a later format refuses an earlier one with --immutable (YN0028). */
const berryFormats: Record<string, string> = {
  '4': '2.x',
  '5': '3.x',
  '6': '3.x',
  '7': '3.x',
  '8': '>=4 <4.14',
  '9': '~4.14',
}

const pnpmFormats: Record<string, string> = { '5': '7.x', '6': '8.x', '9': '10.x' }

const isBerry = (range: string, lockfile: TextFile | null, program: string | null): boolean =>
  program?.endsWith('.cjs') ?? (lockfile ? /^__metadata:/m.test(lockfile.text) : /^\D*[2-9]/.test(range))

/** Yarn's own program in the repository, as `.yarnrc.yml` (yarnPath) or `.yarnrc` (yarn-path) names it. */
function yarnPath(nodeApp: NodeApp): string | null {
  const found =
    /^yarnPath:\s*["']?([^"'\s#]+)/m.exec(settingsOf(nodeApp, '.yarnrc.yml') ?? '')?.[1] ??
    /^yarn-path\s+["']?([^"'\s#]+)/m.exec(settingsOf(nodeApp, '.yarnrc') ?? '')?.[1]
  if (found === undefined) return null
  if (/^[\w.@+-]+(\/[\w.@+-]+)*$/.test(found) && !found.split('/').includes('..')) return found.replace(/^\.\//, '')
  throw invalidFile(
    `The path of Yarn's program must lie in the repository, got ${JSON.stringify(found.slice(0, 100))}.`,
  )
}
