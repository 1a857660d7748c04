/** The commands that install an app's packages. */
import { join } from 'node:path'
import type { Build, Command } from '../contract.ts'
import type { PackageList, Project } from './project.ts'

/** The virtual environment, below the app's folder: programs in it name their interpreter by this path. */
export const ENVIRONMENT = '.venv'

export const installsAnything = ({ list }: Pick<Project, 'list'>): boolean =>
  list !== null && (list.packages.length > 0 || list.local || list.kind === 'uv')

/** In their order; none where there is nothing to install. */
export function installSteps(project: Project, build: Pick<Build, 'app' | 'cacheFolder' | 'env'>): Command[] {
  const { list } = project
  if (list === null || !installsAnything(project)) return []
  const environment = join(build.app.path, ENVIRONMENT)
  return [
    makeEnvironment(environment, build.env),
    ...(list.kind === 'uv' ? uvSteps(project, environment, build) : [pipStep(project, list, environment, build)]),
  ]
}

/** Without a pip of its own: the one that installs is not needed when the app runs. */
const makeEnvironment = (folder: string, env: NodeJS.ProcessEnv): Command => ({
  title: 'Making a virtual environment',
  shown: `python3 -m venv ${ENVIRONMENT}`,
  argv: ['/usr/bin/python3', '-m', 'venv', '--without-pip', '--clear', folder],
  env,
})

type Place = Pick<Build, 'app' | 'cacheFolder' | 'env'>

function pipStep(project: Project, list: PackageList, environment: string, build: Place): Command {
  const what = list.kind === 'pip' && list.requirements.length === 0 ? ['-r', list.file] : ['--', ...list.requirements]
  return {
    title: `Installing the packages of ${list.file}`,
    shown: ['pip', 'install', ...fromWheels(project), ...(what[0] === '-r' ? what : ['…'])].join(' '),
    argv: pip(environment, build, [...fromWheels(project), ...what]),
    env: build.env,
    fetches: true,
  }
}

/** From the app's own wheels where it has some, and then from nowhere else: what was committed is what runs. */
const fromWheels = ({ wheels }: Project): string[] => (wheels === null ? [] : ['--no-index', '--find-links', wheels])

const pip = (environment: string, { cacheFolder }: Place, what: string[]): [string, ...string[]] => [
  '/usr/bin/pip3',
  '--python',
  join(environment, 'bin/python'),
  '--disable-pip-version-check',
  '--no-input',
  '--cache-dir',
  join(cacheFolder, 'pip'),
  'install',
  '--progress-bar',
  'off',
  ...what,
]

/** uv is a package too; it lies aside and installs what the lock says, not the app itself. */
function uvSteps(project: Project, environment: string, build: Place): Command[] {
  const tool = '/tmp/uv'
  const from = fromWheels(project)
  return [
    { ...makeEnvironment(tool, build.env), title: 'Making room for uv', shown: 'python3 -m venv /tmp/uv' },
    {
      title: 'Getting uv, which uv.lock asks for',
      shown: ['pip', 'install', ...from, 'uv'].join(' '),
      argv: pip(tool, build, [...from, 'uv']),
      env: build.env,
      fetches: true,
    },
    {
      title: 'Installing the packages of uv.lock',
      shown: 'uv sync --frozen --no-dev --no-install-project',
      argv: [join(tool, 'bin/uv'), 'sync', '--frozen', '--no-dev', '--no-install-project', '--no-progress', ...from],
      env: {
        ...build.env,
        UV_PROJECT_ENVIRONMENT: environment,
        UV_PYTHON: join(environment, 'bin/python'),
        UV_PYTHON_DOWNLOADS: 'never',
        UV_CACHE_DIR: join(build.cacheFolder, 'uv'),
        UV_LINK_MODE: 'copy',
        UV_COMPILE_BYTECODE: '1',
      },
      fetches: true,
    },
  ]
}
