/** The packages of a repository that holds several: which there are, and which of them an app is built from. */
import { invalidFile, type AppFolder } from '../contract.ts'
import { MIB } from '../folder.ts'
import { parsePackageJson, type PackageJson } from './package-json.ts'

/** A package of the repository: its folder, from the root. */
export type Member = { path: string; package: PackageJson }

/** @returns patterns of folders; none when the root is no workspace */
export function workspacePatterns(root: PackageJson, settings: { name: string; text: string }[]): string[] {
  const pnpm = settings.find(({ name }) => name === 'pnpm-workspace.yaml')
  return [...(root.workspaces ?? []), ...(pnpm ? pnpmPatterns(pnpm.text) : [])]
}

/** The list `packages:` of pnpm-workspace.yaml, in the two ways in which YAML writes a list of plain strings. */
export function pnpmPatterns(text: string): string[] {
  const block = /^packages:[ \t]*(?:#.*)?\r?\n((?:[ \t]*(?:-.*|#.*)?\r?\n?)*)/m.exec(text)?.[1]
  const inline = /^packages:[ \t]*\[([^\]]*)\]/m.exec(text)?.[1]
  const items = block
    ? block.split(/\r?\n/).map((line) => /^[ \t]*-[ \t]*(.*)$/.exec(line)?.[1] ?? '')
    : (inline ?? '').split(',')
  return items.map(unquoted).filter((item) => item !== '')
}

const unquoted = (item: string): string =>
  /^\s*"([^"]*)"|^\s*'([^']*)'|^\s*([^#]*)/
    .exec(item)
    ?.slice(1)
    .find((text) => text !== undefined)
    ?.trim() ?? ''

const MAX_MEMBERS = 500
const MAX_DEPTH = 6

/** Folders that match a pattern and have a package.json, sorted. */
export async function findMembers(root: AppFolder, patterns: string[]): Promise<Member[]> {
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!')).map(segmentsOf)
  const unwanted = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => segmentsOf(pattern.slice(1)))
  const members: Member[] = []
  async function visit(folder: string[]): Promise<void> {
    const path = folder.join('/')
    const isMember = folder.length > 0 && wanted.some((pattern) => matches(pattern, folder))
    const text =
      isMember && !unwanted.some((pattern) => matches(pattern, folder))
        ? await root.read(`${path}/package.json`, MIB)
        : null
    if (text !== null) members.push({ path, package: parsePackageJson(text, `${path}/package.json`) })
    if (members.length > MAX_MEMBERS) throw invalidFile(`The workspace has more than ${MAX_MEMBERS} packages.`)
    if (folder.length === MAX_DEPTH || !wanted.some((pattern) => mayMatchBelow(pattern, folder))) return
    for (const name of await root.names(path === '' ? '.' : path))
      if (name !== 'node_modules' && !name.startsWith('.')) await visit([...folder, name])
  }
  if (wanted.length > 0) await visit([])
  return members
}

const segmentsOf = (pattern: string): string[] => pattern.split('/').filter((part) => part !== '' && part !== '.')

function matches([first, ...rest]: string[], folder: string[]): boolean {
  if (first === undefined) return folder.length === 0
  if (first === '**') return matches(rest, folder) || (folder.length > 0 && matches([first, ...rest], folder.slice(1)))
  return folder[0] !== undefined && matchesName(first, folder[0]) && matches(rest, folder.slice(1))
}

function mayMatchBelow(pattern: string[], folder: string[]): boolean {
  for (const [index, name] of folder.entries()) {
    const part = pattern[index]
    if (part === '**') return true
    if (part === undefined || !matchesName(part, name)) return false
  }
  return pattern.length > folder.length
}

/** `*` within a name, and `{a,b}`. */
function matchesName(pattern: string, name: string): boolean {
  const source = pattern
    .split(/(\*+|\{[^{}]*\})/)
    .map((part) => {
      if (/^\*+$/.test(part)) return '[^/]*'
      if (!/^\{.*\}$/.test(part)) return RegExp.escape(part)
      const choices = part.slice(1, -1).split(',')
      return `(?:${choices.map((choice) => RegExp.escape(choice)).join('|')})`
    })
    .join('')
  return new RegExp(`^${source}$`).test(name)
}

/**
 * The packages with a build script that an app needs, each after those that it needs itself, the app last. A circle of
 * packages is taken in the order in which it is found.
 * @param path the app's folder
 */
export function buildOrder(members: Member[], path: string): Member[] {
  const byName = new Map(members.map((member) => [member.package.name, member]))
  const ordered: Member[] = []
  const seen = new Set<Member>()
  function visit(member: Member): void {
    if (seen.has(member)) return
    seen.add(member)
    for (const name of [...member.package.dependencies.keys(), ...member.package.devDependencies.keys()]) {
      const needed = byName.get(name)
      if (needed) visit(needed)
    }
    if (member.package.scripts.has('build')) ordered.push(member)
  }
  const app = members.find((member) => member.path === path)
  if (app) visit(app)
  return ordered
}
