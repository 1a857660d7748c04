/** ◆ What a lockfile says differently than package.json: the reason why an exact install was refused, in one sentence. */
import type { NodeApp } from './app.ts'
import type { Manager } from './manager.ts'
import { isObject } from '../json-object.ts'
import type { PackageJson } from './package-json.ts'

/** @returns null when no difference is found: then the package manager's own words have to do */
export function disagreement({ root }: NodeApp, { name, lockfile, isBerry }: Manager): string | null {
  if (!lockfile) return null
  const locked = readers[name](lockfile.text, isBerry)
  if (locked === null) return null
  for (const [dependency, range] of asked(root)) {
    const has = locked(dependency, range)
    if (has === true) continue
    const what = has === null ? `has no ${dependency}` : `was made for ${dependency} ${has}`
    return `package.json asks for ${dependency} ${range}, and ${lockfile.name} ${what}: run \`${commands[name]}\`, commit ${lockfile.name} and push again.`
  }
  return null
}

const commands = { npm: 'npm install', pnpm: 'pnpm install', yarn: 'yarn install', bun: 'bun install' }

/** Dependencies with a range of versions; what comes from elsewhere has too many spellings to compare. */
const asked = ({ dependencies, devDependencies }: PackageJson): [string, string][] =>
  [...dependencies, ...devDependencies].filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && !/[:/]/.test(entry[1]),
  )

/** true: as asked; a text: for another range; null: not there. */
type Locked = (dependency: string, range: string) => true | string | null

const readers: Record<Manager['name'], (text: string, isBerry: boolean) => Locked | null> = {
  npm(text) {
    const root = lockedRoot(text)
    if (!root) return null
    return (dependency, range) => {
      const found = ['dependencies', 'devDependencies', 'optionalDependencies']
        .map((field) => (isObject(root[field]) ? root[field][dependency] : undefined))
        .find((each) => typeof each === 'string')
      return found === range ? true : (found ?? null)
    }
  },
  pnpm(text) {
    const root = /^importers:\s*\n+ {2}['"]?\.['"]?:\s*\n((?: {4,}.*\n|\s*\n)*)/m.exec(text)?.[1] ?? null
    return root === null ? null : (dependency, range) => specifier(root, dependency, range)
  },
  yarn: (text, isBerry) => (dependency, range) => {
    const wanted = isBerry ? `${dependency}@npm:${range}` : `${dependency}@${range}`
    const keys = text.matchAll(/^(?! |#)(\S.*):$/gm)
    const patterns = [...keys].flatMap(([, key = '']) => key.replaceAll('"', '').split(/,\s*/))
    if (patterns.includes(wanted)) return true
    const other = patterns.find((pattern) => pattern.startsWith(`${dependency}@`))
    return other?.slice(dependency.length + 1).replace(/^npm:/, '') ?? null
  },
  bun: (text) => (dependency, range) => {
    const found = new RegExp(`^ {8}"${RegExp.escape(dependency)}": "([^"]*)"`, 'm').exec(text)?.[1]
    return found === range ? true : (found ?? null)
  },
}

function lockedRoot(text: string): Record<string, unknown> | null {
  try {
    const json = JSON.parse(text) as unknown
    const packages = isObject(json) ? json['packages'] : null
    const root = isObject(packages) ? packages[''] : null
    return isObject(root) ? root : null
  } catch {
    return null
  }
}

function specifier(root: string, dependency: string, range: string): true | string | null {
  const key = `(?:${RegExp.escape(dependency)}|'${RegExp.escape(dependency)}'|"${RegExp.escape(dependency)}")`
  const found = new RegExp(`^ {6}${key}:\\s*\\n {8}specifier: (.*)$`, 'm').exec(root)?.[1]?.replace(/^['"]|['"]$/g, '')
  return found === range ? true : (found ?? null)
}
