/** ◆ package.json as far as a build needs it: checked once here, so that no odd type surprises what comes after. */
import { invalidFile } from '../contract.ts'
import { isObject, lineOf, parseJsonObject, type JsonObject } from '../json-object.ts'

export type PackageJson = {
  name: string | null
  scripts: Map<string, string>
  dependencies: Map<string, unknown>
  devDependencies: Map<string, unknown>
  /** Whether anything is installed for production. */
  hasDependencies: boolean
  /** The patterns of its workspaces; null when it has none. */
  workspaces: string[] | null
  /** engines: of node, npm, pnpm, yarn, bun. */
  engines: Map<string, string>
  packageManager: string | null
  main: string | null
  /** Bun's and other bundlers' entry. */
  module: string | null
  /** Every range or place that a dependency is asked for with. */
  ranges: string[]
  /** What of package.json decides the dependencies, for the key of their layer. */
  decisive: JsonObject
}

const dependencyFields = [
  'name',
  'bin',
  'dependencies',
  'optionalDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'devDependencies',
  'bundleDependencies',
  'bundledDependencies',
  'overrides',
  'resolutions',
  'dependenciesMeta',
  'trustedDependencies',
  'catalog',
  'catalogs',
  'pnpm',
  'packageManager',
  'engines',
  'workspaces',
]

const rangeFields = ['dependencies', 'optionalDependencies', 'devDependencies', 'overrides', 'resolutions']

/**
 * @param name the file's path in the repository, for sentences
 * @throws BuildFailure that names the place or the field which is wrong
 */
export function parsePackageJson(text: string, name = 'package.json'): PackageJson {
  const json = parseJsonObject(name, text)
  const file = { name, text, json }
  const scripts = new Map<string, string>()
  for (const [script, command] of entries(file, 'scripts')) {
    if (typeof command !== 'string') throw wrongField(file, ['scripts', script], 'a string', command)
    scripts.set(script, command)
  }
  const installed = ['dependencies', 'optionalDependencies', 'peerDependencies'].map((field) => entries(file, field))
  return {
    name: typeof json['name'] === 'string' ? json['name'] : null,
    scripts,
    dependencies: entries(file, 'dependencies'),
    devDependencies: entries(file, 'devDependencies'),
    hasDependencies: installed.some(({ size }) => size > 0),
    workspaces: workspacesOf(file),
    engines: enginesOf(file),
    packageManager: packageManagerOf(file),
    main: typeof json['main'] === 'string' ? json['main'] : null,
    module: typeof json['module'] === 'string' ? json['module'] : null,
    ranges: rangeFields.flatMap((field) => textsIn(json[field])),
    decisive: Object.fromEntries(dependencyFields.map((field) => [field, json[field] ?? null])),
  }
}

const textsIn = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : isObject(value) ? Object.values(value).flatMap(textsIn) : []

type File = { name: string; text: string; json: JsonObject }

function entries(file: File, field: string): Map<string, unknown> {
  const value = file.json[field] ?? {}
  if (!isObject(value)) throw wrongField(file, [field], 'an object', value)
  return new Map(Object.entries(value))
}

/** Old packages have a list of engines, which npm ignores too. */
function enginesOf(file: File): Map<string, string> {
  const engines = new Map<string, string>()
  const value = file.json['engines']
  if (!isObject(value)) return engines
  for (const [name, range] of Object.entries(value)) {
    if (name === 'node' && typeof range !== 'string')
      throw wrongField(file, ['engines', 'node'], 'a string such as "24.x"', range)
    if (typeof range === 'string' && range.trim() !== '') engines.set(name, range.trim())
  }
  return engines
}

/** A list, or Yarn's object with `packages`. */
function workspacesOf(file: File): string[] | null {
  const value = file.json['workspaces']
  if (value === undefined || value === null) return null
  const patterns = isObject(value) ? (value['packages'] ?? []) : value
  if (!Array.isArray(patterns) || !patterns.every((pattern) => typeof pattern === 'string'))
    throw wrongField(file, ['workspaces'], 'a list of folders such as ["packages/*"]', value)
  return patterns
}

function packageManagerOf(file: File): string | null {
  const value = file.json['packageManager']
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw wrongField(file, ['packageManager'], 'a string such as "pnpm@10.34.9"', value)
  return value.trim()
}

function wrongField({ name, text }: File, path: string[], expected: string, got: unknown) {
  const line = lineOf(text, path)
  return invalidFile(
    `${name}${line === null ? '' : ` line ${line}`}: "${path.join('.').slice(0, 80)}" must be ${expected}, ` +
      `got ${JSON.stringify(got).slice(0, 100)}. Correct it and push again.`,
  )
}
