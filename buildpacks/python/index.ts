/** Python apps: dependencies by pip or uv into a virtual environment, and the command for web. */
import { asksForToolchain, toolchainNeed } from '../toolchain.ts'
import { invalidFile, type Buildpack, type RuntimeNeed } from '../contract.ts'
import { collectStatic } from './django.ts'
import { ENVIRONMENT, installSteps, installsAnything } from './install.ts'
import { dependencyKey, readProject, type Project } from './project.ts'
import { defaultWeb, ENTRY_POINTS } from './processes.ts'
import { isOpen, withDefaultWeb } from '../processes.ts'
import { readVersion, stackVersion } from './version.ts'

const markers = ['requirements.txt', 'pyproject.toml', 'setup.py', 'Pipfile', 'manage.py', 'runtime.txt']
const entryPoints = ['app.py', 'main.py']

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

  async plan(app, stack) {
    const project = await readProject(app)
    await processesOf(project)
    const version = await readVersion(app)
    const runtimes: RuntimeNeed[] = []
    if (version || installsAnything(project))
      runtimes.push({
        name: 'python',
        range: version?.range ?? '*',
        reason: version ? `${version.file} asks for ${version.asked}` : 'installs the dependencies',
      })
    const compiles = project.list?.compiles ?? false
    if (await asksForToolchain(app)) runtimes.push(toolchainNeed)
    else if (compiles)
      runtimes.push({ ...toolchainNeed, reason: 'compiles packages that come as source; it is not there at run time' })
    const key = await dependencyKey(app, project, stack)
    return { runtimes, dependencies: key === null ? null : { key, paths: [ENVIRONMENT] } }
  },

  async compile(build) {
    const { app, output, env } = build
    const project = await readProject(app)
    const version = stackVersion(env)
    output.title(`Using Python ${version} of the stack`)
    const asked = await readVersion(app)
    if (asked?.patch && asked.asked !== version)
      output.warning(`${asked.file} asks for ${asked.asked}; the stack has ${version}, and that is what runs.`)
    if (project.vendored) output.line('packages are those in vendor/')
    if (build.dependenciesReused) output.title('Dependencies are those of the build before: nothing to install')
    else for (const step of installSteps(project, build)) await build.run(step)
    await collectStatic(build, project)
    return { processes: await processesOf(project), env: runtimeEnv(project) }
  },
}

/** What a Procfile says, or what is certain without one. */
async function processesOf(project: Project) {
  const { procfile } = project
  if (procfile && !isOpen(procfile)) return procfile
  const web = await defaultWeb(project)
  if (web !== null) return withDefaultWeb(procfile, web)
  throw invalidFile(
    `Nothing says how to start this app: there is no Procfile with a process, no ${ENTRY_POINTS.join(' or ')}, and no web server ` +
      'among its packages whose app could be found. Add a Procfile with a line such as "web: python3 server.py" or "web: gunicorn app:app --bind 0.0.0.0:$PORT".',
  )
}

function runtimeEnv(project: Project): Record<string, string> {
  const path = [...(project.vendored ? ['/app/vendor'] : []), ...(project.sourceFolder ? ['/app/src'] : [])]
  return {
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    ...(path.length > 0 ? { PYTHONPATH: path.join(':') } : {}),
    ...(installsAnything(project)
      ? { VIRTUAL_ENV: `/app/${ENVIRONMENT}`, PATH: `/app/${ENVIRONMENT}/bin:/usr/local/bin:/usr/bin:/bin` }
      : {}),
  }
}
