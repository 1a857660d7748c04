/** All that decides a Python build, read once. */
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { Procfile } from '#core/domain/procfile.ts'
import { invalidFile, type AppFolder } from '../contract.ts'
import { MIB } from '../folder.ts'
import { readProcfile } from '../processes.ts'
import { packageName, parseRequirements } from './requirements.ts'
import { readToml, tableOf, textsOf, type Table } from './toml.ts'

export type Project = {
  app: AppFolder
  procfile: Procfile | null
  names: string[]
  /** What says which packages to install; null: nothing does. */
  list: PackageList | null
  /** A folder of wheels in the app: packages come from there and from nowhere else. */
  wheels: string | null
  /** What `pip install --target vendor` leaves is there, so nothing is installed. */
  vendored: boolean
  /** `src/`, from where the app's own package is imported. */
  sourceFolder: boolean
}

export type PackageList = {
  kind: 'pip' | 'project' | 'uv'
  /** requirements.txt or pyproject.toml */
  file: string
  /** As pip takes them; only of pyproject.toml, whose list is not a file that pip reads. */
  requirements: string[]
  packages: string[]
  /** The files that decide what is installed, by name. */
  texts: Record<string, string>
  local: boolean
  compiles: boolean
}

const wheelFolders = ['wheels', 'vendor/wheels']

export async function readProject(app: AppFolder): Promise<Project> {
  const vendored = (await app.names('vendor')).some((name) => name.endsWith('.dist-info'))
  return {
    app,
    procfile: await readProcfile(app),
    names: await app.names(),
    list: vendored ? null : await readList(app),
    wheels: await wheelFolderOf(app),
    vendored,
    sourceFolder: (await app.names('src')).some((name) => name !== '__pycache__'),
  }
}

async function wheelFolderOf(app: AppFolder): Promise<string | null> {
  for (const folder of wheelFolders)
    if ((await app.names(folder)).some((name) => /\.(?:whl|tar\.gz|zip)$/.test(name))) return folder
  return null
}

/**
 * The key of a layer that depends on nothing else than these files.
 * @returns null when nothing is installed, or the app's own code is among what is installed
 */
export async function dependencyKey(app: AppFolder, project: Project, stack: string): Promise<string | null> {
  const { list, wheels } = project
  if (list === null || list.local) return null
  const hash = createHash('sha256').update(JSON.stringify([1, list.kind, stack, list.texts]))
  for (const name of wheels === null ? [] : await app.names(wheels))
    hash.update(JSON.stringify([name, await app.read(`${wheels}/${name}`, 512 * MIB)]))
  return hash.digest('hex')
}

// ── which packages ───────────────────────────────────────────────────────────────────────────────────────────────────

/** A lock of uv's says most, then requirements.txt, which tools export, then what pyproject.toml asks for. */
async function readList(app: AppFolder): Promise<PackageList | null> {
  const pyproject = await readToml(app, 'pyproject.toml')
  const names = await app.names()
  const project = tableOf(pyproject?.['project'])
  if (pyproject && names.includes('uv.lock')) return uvList(app, textsOf(project['dependencies']))
  if (names.includes('requirements.txt')) return pipList(app)
  for (const { file, tool, way } of foreignLocks) if (names.includes(file)) throw foreign(file, tool, way)
  const requirements = textsOf(project['dependencies'])
  if (requirements.length > 0) return projectList(requirements)
  const poetry = Object.keys(tableOf(tableOf(tableOf(pyproject?.['tool'])['poetry'])['dependencies']))
  if (poetry.some((name) => name !== 'python')) throw foreign('pyproject.toml', 'Poetry', POETRY_WAY)
  if (names.includes('setup.py')) return setupList()
  return null
}

const POETRY_WAY = 'poetry export -f requirements.txt -o requirements.txt'
const PIPENV_WAY = 'pipenv requirements > requirements.txt'
const foreignLocks = [
  { file: 'poetry.lock', tool: 'Poetry', way: POETRY_WAY },
  { file: 'Pipfile.lock', tool: 'Pipenv', way: PIPENV_WAY },
  { file: 'Pipfile', tool: 'Pipenv', way: PIPENV_WAY },
]

/** Installing other versions than the ones that were locked would be worse than not installing. */
const foreign = (file: string, tool: string, way: string) =>
  invalidFile(`${file} is ${tool}'s, which does not install here. Run: ${way}, commit requirements.txt and push again.`)

const MAX_FILES = 30

async function pipList(app: AppFolder): Promise<PackageList> {
  const texts: Record<string, string> = {}
  const list: PackageList = {
    kind: 'pip',
    file: 'requirements.txt',
    requirements: [],
    packages: [],
    texts,
    local: false,
    compiles: false,
  }
  const waiting = [{ file: list.file, from: '' }]
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { file, from } = next
    if (Object.hasOwn(texts, file)) continue
    if (Object.keys(texts).length >= MAX_FILES)
      throw invalidFile(`More than ${MAX_FILES} requirements files include each other.`)
    const text = file.startsWith('../') || file.startsWith('/') ? null : await app.read(file, MIB)
    if (text === null)
      throw invalidFile(`${from} includes ${JSON.stringify(file.slice(0, 200))}, which is not in the app.`)
    texts[file] = text
    const found = parseRequirements(text)
    list.packages.push(...found.packages)
    list.local ||= found.local
    list.compiles ||= found.compiles
    waiting.push(
      ...found.includes
        .filter((include) => !/^https?:/.test(include))
        .map((include) => ({ file: posix.normalize(posix.join(posix.dirname(file), include)), from: file })),
    )
  }
  return list
}

const projectList = (requirements: string[]): PackageList => ({
  ...namedBy('project', 'pyproject.toml', requirements),
  texts: { requirements: requirements.join('\n') },
})

async function uvList(app: AppFolder, requirements: string[]): Promise<PackageList> {
  const lock = (await app.read('uv.lock', 16 * MIB)) ?? ''
  requireLocked(requirements, await readToml(app, 'uv.lock'))
  const list = namedBy('uv', 'uv.lock', requirements)
  // An editable or a workspace source is the app's own code; the app itself, which uv locks as `virtual` or `editable = "."`, is not installed.
  const local = /source = \{ (?:editable|directory|path) = "(?!\.")/.test(lock)
  return { ...list, texts: { 'uv.lock': lock, 'pyproject.toml': (await app.read('pyproject.toml', MIB)) ?? '' }, local }
}

/** uv itself installs what a lock says without asking whether that is what pyproject.toml asks for (`--frozen`). */
function requireLocked(requirements: string[], lock: Table | null): void {
  const packages = Array.isArray(lock?.['package']) ? lock['package'].map(tableOf) : []
  const locked = new Set(packages.map(({ name }) => packageName(String(name))))
  // A requirement with a marker may be for another system, and is not looked for.
  const missing = requirements.find(
    (one) => packageName(one) !== null && !one.includes(';') && !locked.has(packageName(one)),
  )
  if (missing !== undefined)
    throw invalidFile(
      `pyproject.toml asks for ${missing.slice(0, 100)}, and uv.lock has no ${packageName(missing)}: run \`uv lock\`, commit uv.lock and push again.`,
    )
}

const setupList = (): PackageList => ({ ...namedBy('pip', 'setup.py', ['.']), requirements: ['.'], local: true })

const namedBy = (kind: PackageList['kind'], file: string, requirements: string[]): PackageList => ({
  kind,
  file,
  requirements,
  packages: requirements.flatMap((one) => packageName(one) ?? []),
  texts: {},
  local: requirements.some((one) => /@\s*file:/.test(one)),
  compiles: false,
})
