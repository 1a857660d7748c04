/** The command for web of an app without a Procfile: only what is certain. */
import type { AppFolder } from '../contract.ts'
import { MIB } from '../folder.ts'
import type { Project } from './project.ts'

/** Programs that are run as they are. */
export const ENTRY_POINTS = ['app.py', 'main.py']
const modules = ['app.py', 'main.py', 'wsgi.py', 'asgi.py', 'application.py', 'server.py']

type Kind = 'wsgi' | 'asgi'
const frameworks: Record<string, Kind> = {
  Flask: 'wsgi',
  Bottle: 'wsgi',
  get_wsgi_application: 'wsgi',
  FastAPI: 'asgi',
  Starlette: 'asgi',
  Quart: 'asgi',
  Litestar: 'asgi',
  Sanic: 'asgi',
  get_asgi_application: 'asgi',
}

/** @returns null when nothing is certain */
export async function defaultWeb(project: Project): Promise<string | null> {
  const target = await findTarget(project)
  const command = target && serverFor(target, await packagesOf(project))
  if (command) return command
  const entry = ENTRY_POINTS.find((name) => project.names.includes(name))
  return entry ? `python3 ${entry}` : null
}

type Target = { kind: Kind; name: string }

function serverFor({ kind, name }: Target, packages: Set<string>): string | null {
  if (kind === 'asgi') {
    if (packages.has('uvicorn')) return `uvicorn ${name} --host 0.0.0.0 --port $PORT`
    if (packages.has('hypercorn')) return `hypercorn ${name} --bind 0.0.0.0:$PORT`
    return null
  }
  if (packages.has('gunicorn')) return `gunicorn ${name} --bind 0.0.0.0:$PORT`
  if (packages.has('waitress')) return `waitress-serve --listen=0.0.0.0:$PORT ${name}`
  return null
}

/** What is listed, or lies in vendor/. */
async function packagesOf({ app, list, vendored }: Project): Promise<Set<string>> {
  if (!vendored) return new Set(list?.packages ?? [])
  const folders = (await app.names('vendor')).filter((name) => name.endsWith('.dist-info'))
  return new Set(folders.map((name) => name.split('-')[0]?.toLowerCase().replaceAll('_', '-') ?? ''))
}

/** The one object at the top level of a module that is an application; with more than one, nothing is certain. */
async function findTarget(project: Project): Promise<Target | null> {
  const { app, names } = project
  const found: Target[] = []
  for (const file of modules.filter((name) => names.includes(name)))
    found.push(...applicationsIn(file.slice(0, -'.py'.length), (await app.read(file, MIB)) ?? ''))
  if (names.includes('manage.py')) found.push(...(await djangoTargets(app, names, project)))
  return found.length === 1 ? (found[0] ?? null) : null
}

/** `app = Flask(__name__)` at the start of a line. */
export function applicationsIn(module: string, text: string): Target[] {
  const found = new Map<string, Target>()
  for (const [, variable = '', made = ''] of text.matchAll(
    /^([A-Za-z_]\w*)(?:\s*:\s*[\w.]+)?\s*=\s*(?:[A-Za-z_]\w*\.)?([A-Za-z_]\w*)\s*\(/gm,
  )) {
    const kind = Object.hasOwn(frameworks, made) ? frameworks[made] : undefined
    if (kind) found.set(variable, { kind, name: `${module}:${variable}` })
  }
  return [...found.values()]
}

/** Django makes wsgi.py and asgi.py in a project's folder: which of them is meant, the listed server says. */
async function djangoTargets(app: AppFolder, names: string[], project: Project): Promise<Target[]> {
  const packages = await packagesOf(project)
  const [kind, file]: [Kind, string] = packages.has('gunicorn') ? ['wsgi', 'wsgi.py'] : ['asgi', 'asgi.py']
  const found: Target[] = []
  for (const folder of names)
    if (/^[A-Za-z_]\w*$/.test(folder) && (await app.has(`${folder}/${file}`)))
      found.push({ kind, name: `${folder}.${kind}:application` })
  return found
}
