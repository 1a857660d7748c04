/** package.json as far as a build needs it: checked once here, so that no odd type surprises what comes after. */
import { messageOf } from '#core/domain/errors.ts'
import { invalidFile } from './contract.ts'

export type PackageJson = {
  scripts: Map<string, string>
  dependencies: Map<string, unknown>
  devDependencies: Map<string, unknown>
  /** Whether `npm ci` installs anything for production. */
  hasDependencies: boolean
  hasWorkspaces: boolean
  /** engines.node */
  nodeRange: string | null
  main: string | null
  /** What of package.json decides the dependencies, for the key of their layer. */
  decisive: Record<string, unknown>
}

const dependencyFields = [
  'dependencies',
  'optionalDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'devDependencies',
  'bundleDependencies',
  'bundledDependencies',
  'overrides',
  'engines',
]

/** @throws BuildFailure that names the field which is wrong */
export function parsePackageJson(text: string): PackageJson {
  const json = parseObject(text)
  const scripts = new Map<string, string>()
  for (const [name, script] of entries(json, 'scripts')) {
    if (typeof script !== 'string') throw wrongField(`scripts.${name}`, 'a string', script)
    scripts.set(name, script)
  }
  const installed = ['dependencies', 'optionalDependencies', 'peerDependencies'].map((field) => entries(json, field))
  return {
    scripts,
    dependencies: entries(json, 'dependencies'),
    devDependencies: entries(json, 'devDependencies'),
    hasDependencies: installed.some(({ size }) => size > 0),
    hasWorkspaces: json['workspaces'] !== undefined,
    nodeRange: nodeRange(json['engines']),
    main: typeof json['main'] === 'string' ? json['main'] : null,
    decisive: Object.fromEntries(dependencyFields.map((field) => [field, json[field] ?? null])),
  }
}

function parseObject(text: string): Record<string, unknown> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw invalidFile(
      `package.json is not valid JSON: ${messageOf(error).slice(0, 300)}. Correct it and push again.`,
      error,
    )
  }
  if (!isObject(json)) throw invalidFile('package.json must hold a JSON object. Correct it and push again.')
  return json
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function entries(json: Record<string, unknown>, field: string): Map<string, unknown> {
  const value = json[field] ?? {}
  if (!isObject(value)) throw wrongField(field, 'an object', value)
  return new Map(Object.entries(value))
}

/** Old packages have a list of engines, which npm ignores too. */
function nodeRange(engines: unknown): string | null {
  const range = isObject(engines) ? engines['node'] : undefined
  if (range === undefined) return null
  if (typeof range !== 'string') throw wrongField('engines.node', 'a string such as "24.x"', range)
  return range.trim() === '' ? null : range.trim()
}

const wrongField = (field: string, expected: string, got: unknown) =>
  invalidFile(
    `package.json: "${field.slice(0, 80)}" must be ${expected}, got ${JSON.stringify(got).slice(0, 100)}. Correct it and push again.`,
  )
