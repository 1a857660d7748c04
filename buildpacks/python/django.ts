/** Django's static files, collected while the app is built, where it says where to. */
import { join } from 'node:path'
import type { Build } from '../contract.ts'
import { MIB } from '../folder.ts'
import { ENVIRONMENT, installsAnything } from './install.ts'
import type { Project } from './project.ts'

/** A failure ends the build: an app without its styles would look deployed. */
export async function collectStatic(build: Build, project: Project): Promise<void> {
  const { env, output } = build
  if (!(await collects(project))) return
  if (env['DISABLE_COLLECTSTATIC'] && env['DISABLE_COLLECTSTATIC'] !== '0')
    return output.title('Not collecting static files: DISABLE_COLLECTSTATIC is set')
  const python = installsAnything(project) ? join(build.app.path, ENVIRONMENT, 'bin/python') : '/usr/bin/python3'
  await build.run({
    title: 'Collecting static files',
    shown: 'python manage.py collectstatic --noinput',
    argv: [python, 'manage.py', 'collectstatic', '--noinput'],
    env: { ...env, ...(project.vendored ? { PYTHONPATH: join(build.app.path, 'vendor') } : {}) },
  })
}

/** With a manage.py, and STATIC_ROOT in the settings of a project's folder. */
async function collects({ app, names }: Project): Promise<boolean> {
  if (!names.includes('manage.py')) return false
  for (const folder of names)
    for (const file of await settingsIn(app, folder)) {
      const text = (await app.has(file)) ? await app.read(file, MIB) : null
      if (text !== null && /^\s*STATIC_ROOT\s*=/m.test(text)) return true
    }
  return false
}

const settingsIn = async (app: Project['app'], folder: string): Promise<string[]> => [
  `${folder}/settings.py`,
  ...(await app.names(`${folder}/settings`))
    .filter((name) => name.endsWith('.py'))
    .map((name) => `${folder}/settings/${name}`),
]
