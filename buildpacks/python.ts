/** Python apps on the stack's own python3. Its standard library, and packages that the app brings along. */
import { spawnSync } from 'node:child_process'
import { exitCodes, BuildFailure, invalidFile, type AppFolder, type Buildpack } from './contract.ts'
import { KIB, MIB } from './folder.ts'
import { isOpen, readProcfile, withDefaultWeb } from './processes.ts'

const markers = ['requirements.txt', 'pyproject.toml', 'setup.py', 'Pipfile', 'runtime.txt']
const entryPoints = ['app.py', 'main.py']
/** Where packages that the app brings along are found. */
const VENDOR = 'vendor'

export const python: Buildpack = {
  name: 'python',

  async detect(app) {
    const names = await app.names()
    const withProcfile = names.includes('Procfile') ? names.filter((name) => name.endsWith('.py')) : []
    const because = [...markers, ...entryPoints, ...withProcfile].find((name) => names.includes(name))
    if (because) return { accepted: true, what: 'Python app', because: `${because} found` }
    return {
      accepted: false,
      lookedFor: `${[...markers, ...entryPoints].join(', ')}, or a Procfile beside a .py file, found none`,
    }
  },

  async plan(app) {
    await readProcesses(app)
    if (!(await isVendored(app))) await refusePackages(app)
    return { runtimes: [], dependencies: null }
  },

  async compile({ app, output, env }) {
    const version = pythonVersion(env)
    output.title(`Using Python ${version} of the stack`)
    const asked = (await app.read('runtime.txt', KIB))?.trim().replace(/^python-/, '')
    if (asked && !sameMinor(asked, version))
      output.warning(
        `runtime.txt asks for Python ${asked.slice(0, 40)}; the stack has ${version}, and that is what runs.`,
      )
    const vendored = await isVendored(app)
    if (vendored) output.line(`packages are those in ${VENDOR}/`)
    return {
      processes: await readProcesses(app),
      env: {
        PYTHONUNBUFFERED: '1',
        PYTHONDONTWRITEBYTECODE: '1',
        ...(vendored ? { PYTHONPATH: `/app/${VENDOR}` } : {}),
      },
    }
  },
}

async function readProcesses(app: AppFolder) {
  const procfile = await readProcfile(app)
  if (procfile && !isOpen(procfile)) return procfile
  const names = await app.names()
  const entry = entryPoints.find((name) => names.includes(name))
  if (entry) return withDefaultWeb(procfile, `python3 ${entry}`)
  throw invalidFile(
    `Nothing says how to start this app: there is no Procfile with a process, and no ${entryPoints.join(' or ')}. ` +
      'Add a Procfile with a line such as "web: python3 server.py".',
  )
}

// ── packages ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What `pip install --target vendor` leaves: a .dist-info folder for each package. */
const isVendored = async (app: AppFolder): Promise<boolean> =>
  (await app.names(VENDOR)).some((name) => name.endsWith('.dist-info'))

const packageLists: Record<string, (text: string) => string | null> = {
  'requirements.txt': firstRequirement,
  'pyproject.toml': (text) => firstProjectDependency(text) ?? firstTableEntry(text, 'tool.poetry.dependencies'),
  Pipfile: (text) => firstTableEntry(text, 'packages'),
  'setup.py': (text) => /install_requires\s*=\s*[[(]\s*["']([^"']+)/.exec(text)?.[1] ?? null,
}

async function refusePackages(app: AppFolder): Promise<void> {
  for (const [name, first] of Object.entries(packageLists)) {
    const text = await app.read(name, MIB)
    const required = text === null ? null : first(text)
    if (required !== null)
      throw invalidFile(
        `${name} asks for ${JSON.stringify(required.slice(0, 100))}: packages from PyPI are not installed yet, that comes later. ` +
          `Until then, bring them along: pip install --target ${VENDOR} ${name === 'requirements.txt' ? '-r requirements.txt' : '.'}, ` +
          `commit ${VENDOR}/ (it is put on PYTHONPATH) and push again.`,
      )
  }
}

/** The first line of a requirements.txt that asks for a package or for another file; options such as --index-url do not. */
export function firstRequirement(text: string): string | null {
  const lines = text.split(/\r?\n/).map((line) => line.replace(/(?:^|\s)#.*/, '').trim())
  const asks = (line: string) =>
    line !== '' && (!line.startsWith('-') || /^(?:-r|-e|--requirement|--editable)\b/.test(line))
  return lines.find(asks) ?? null
}

/** The first of `dependencies = [...]` in the table `[project]` (PEP 621), without the rest of TOML. */
export function firstProjectDependency(text: string): string | null {
  const list = /^dependencies\s*=\s*\[([^\]]*)/m.exec(tableOf(text, 'project'))?.[1] ?? ''
  const withoutComments = list.replace(/^\s*#.*$/gm, '')
  return /["']([^"']+)/.exec(withoutComments)?.[1] ?? null
}

/** The first key of a table that is not Python itself, as Poetry and Pipenv list packages. */
export function firstTableEntry(text: string, table: string): string | null {
  const keys = tableOf(text, table)
    .split(/\r?\n/)
    .map((line) => /^\s*"?([A-Za-z0-9._-]+)"?\s*=/.exec(line)?.[1])
  return keys.find((key) => key !== undefined && key !== 'python') ?? null
}

function tableOf(text: string, table: string): string {
  const lines = text.split(/\r?\n/)
  const start = lines.findIndex((line) => line.replace(/#.*/, '').trim() === `[${table}]`)
  if (start < 0) return ''
  const rest = lines.slice(start + 1)
  const end = rest.findIndex((line) => /^\s*\[{1,2}[\w.\s"-]+\]{1,2}\s*(?:#.*)?$/.test(line))
  return rest.slice(0, end < 0 ? undefined : end).join('\n')
}

// ── version ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function pythonVersion(env: NodeJS.ProcessEnv): string {
  const { stdout, error } = spawnSync('python3', ['-I', '--version'], { env, encoding: 'utf8', timeout: 10_000 })
  const version = /^Python (\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1]
  if (version === undefined)
    throw new BuildFailure(exitCodes.failedStep, 'This stack has no python3. Ask the operator for one that has.', {
      cause: error,
    })
  return version
}

const sameMinor = (asked: string, version: string): boolean =>
  version.startsWith(asked.split('.').slice(0, 2).join('.') + '.')
