/** init: makes a project of a folder: files that help, a git repository, an app and its remote. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { AppView } from '#core/contract/api.ts'
import { ask } from '../ask.ts'
import { DEFAULT_REMOTE } from '../app-choice.ts'
import type { Context, Options, Run } from '../context.ts'
import { failed } from '../failures.ts'
import { initRepository, isRepository, readRemotes, writeRemote } from '../git.ts'
import { appNameFrom, filesFor, languageOf, type NewFile } from '../project.ts'

type Written = { written: string[]; kept: string[] }

/** Each step does what is left to do: a second call changes nothing. */
export const init: Run = async (context, [where = '.'], options) => {
  const { out, cwd } = context
  const root = resolve(cwd, where)
  // Before anything is written: a template that there is not, or a login that is missing, leaves the folder as it was.
  const template = options.template === undefined ? null : await loadTemplate(context, options.template)
  await mkdir(root, { recursive: true })
  const fromTemplate = template === null ? none : await writeNew(root, template.files)
  const own = await writeNew(root, filesFor(await sourceIn(root)))
  const names = await readdir(root)
  const language = template?.language ?? languageOf(names)?.name ?? null
  const say = options.json ? out.note : out.line
  say(language === null ? 'Nothing here tells its language yet.' : `${language} project in ${root}`)
  for (const path of [...fromTemplate.written, ...own.written]) say(`  wrote ${path}`)
  for (const path of fromTemplate.kept) say(`  kept  ${path}, which was there`)
  const git = options.git === false ? 'left' : await makeRepository(root, say)
  const app = await makeApp(context, root, git !== 'left', options)
  if (options.json)
    return out.json({
      folder: root,
      language,
      written: [...fromTemplate.written, ...own.written],
      kept: fromTemplate.kept,
      git,
      app,
    })
  for (const line of nextSteps(root, cwd, where, app, git !== 'left')) out.note(line)
}

const none: Written = { written: [], kept: [] }

const loadTemplate = async (context: Context, name: string) =>
  (await context.client()).get('/templates/:template', { template: name })

async function sourceIn(root: string) {
  const read = (name: string) => readFile(join(root, name), 'utf8').catch(() => null)
  const [names, packageJson, example, sample] = await Promise.all([
    readdir(root),
    read('package.json'),
    read('.env.example'),
    read('.env.sample'),
  ])
  return { names, packageJson, envExample: example ?? sample }
}

/** Creates each file that is not there; `wx` refuses what came meanwhile, and links that lead elsewhere. */
async function writeNew(root: string, files: (NewFile & { isExecutable?: boolean })[]): Promise<Written> {
  const written: string[] = []
  const kept: string[] = []
  for (const { path, content, isExecutable } of files) {
    const target = resolve(root, path)
    if (!target.startsWith(`${root}/`)) throw failed(`The template holds a path that leaves its folder: ${path}`)
    await mkdir(dirname(target), { recursive: true })
    try {
      await writeFile(target, content, { flag: 'wx', mode: isExecutable ? 0o755 : 0o644 })
      written.push(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      kept.push(path)
    }
  }
  return { written, kept }
}

async function makeRepository(root: string, say: (line: string) => void): Promise<'made' | 'there'> {
  if (await isRepository(root)) return 'there'
  await initRepository(root)
  say('  made  a git repository')
  return 'made'
}

/** An app is somebody's name and quota: it is made when it is asked for, or when the person at the terminal says yes. */
async function makeApp(context: Context, root: string, inGit: boolean, options: Options): Promise<AppView | null> {
  const { out, stdin, launcher } = context
  const remotes = inGit ? await readRemotes(root) : {}
  if (remotes[DEFAULT_REMOTE] !== undefined) {
    out.note(`The git remote "${DEFAULT_REMOTE}" is there already: ${remotes[DEFAULT_REMOTE]}`)
    return null
  }
  const name = options.name ?? appNameFrom(basename(root))
  if (options.create === false) return null
  if (!options.yes && options.name === undefined) {
    if (!stdin.isTTY || options.json) return null
    const client = await context.client()
    const answer = await ask(stdin, `Create the app ${name ?? 'with a made-up name'} on ${client.apiUrl}? [Y/n] `, 'y')
    if (!/^y(es)?$/i.test(answer)) return null
  }
  const client = await context.client()
  const wish = { ...(name === null ? {} : { name }), ...(options.tenant ? { tenant: options.tenant } : {}) }
  const app = await client.post('/apps', { body: wish })
  if (inGit) await writeRemote(root, DEFAULT_REMOTE, app.gitUrl, launcher)
  if (!options.json) out.line(`  made  the app ${app.name}, which will answer at ${app.url}`)
  return app
}

function nextSteps(root: string, cwd: string, where: string, app: AppView | null, inGit: boolean): string[] {
  const enter = root === cwd ? [] : [`  cd ${where}`]
  const create = app === null ? ['  berth create'] : []
  const deploy = inGit
    ? ['  git add -A && git commit -m "Begin"', '  git push berth HEAD:main']
    : [`  berth deploy${app === null ? '' : ` -a ${app.name}`}`]
  return ['Next:', ...enter, ...create, ...deploy]
}
