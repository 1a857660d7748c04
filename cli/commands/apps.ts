/** apps, create, info, open, destroy. */
import { spawn } from 'node:child_process'
import type { AppView, SlugsView } from '#core/contract/api.ts'
import { DEFAULT_REMOTE } from '../app-choice.ts'
import { ask } from '../ask.ts'
import type { Context, Options, Run } from '../context.ts'
import { showDeploy } from '../deploy-log.ts'
import { failed, usage as usageError } from '../failures.ts'
import { isRepository, readRemotes, writeRemote } from '../git.ts'
import { formatBytes, formatCores, formatMegabytes, formatSince, type Cell } from '../text.ts'
import { factsOf as buildFacts } from './buildpacks.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const answer = await (await client()).list('/apps')
  if (options.json) return out.json(answer)
  if (answer.apps.length === 0) return out.line('There are no apps yet. Make one with: berth create')
  out.table(
    ['NAME', 'TENANT', 'RELEASE', 'ROLLOUT', 'CREATED', 'ADDRESS'],
    answer.apps.map((app) => [
      app.name,
      app.tenant,
      app.release === null ? '-' : `v${app.release}`,
      rolloutCell(app),
      formatSince(app.createdAt, now()),
      app.url,
    ]),
  )
}

/** In a git repository without a remote `berth` it also adds that remote, so that `git push berth main` works next. */
export const create: Run = async (context, [name], options) => {
  const { client, out, cwd, launcher } = context
  const { tenant, template } = options
  const body = {
    ...(name === undefined ? {} : { name }),
    ...(tenant ? { tenant } : {}),
    ...(template === undefined ? {} : { template }),
  }
  const app = await (await client()).post('/apps', { body })
  if (template !== undefined) return showFirstDeploy(context, app, template, options)
  const addRemote = (await isRepository(cwd)) && (await readRemotes(cwd))[DEFAULT_REMOTE] === undefined
  if (addRemote) await writeRemote(cwd, DEFAULT_REMOTE, app.gitUrl, launcher)
  if (options.json) return out.json(app)
  out.line(`Created ${app.name}.`)
  out.facts([
    ['Address', app.url],
    ['Git remote', app.gitUrl],
  ])
  if (addRemote) out.note('The git remote "berth" was added. Deploy with: git push berth main')
  else out.note(`Next, in your repository: berth git:remote -a ${app.name} && git push berth main`)
}

/** The folder that somebody is in has other code: its remotes stay as they are. */
async function showFirstDeploy(context: Context, app: AppView, template: string, options: Options): Promise<void> {
  const client = await context.client()
  const say = options.json ? context.out.note : context.out.line
  say(`Created ${app.name} with the template ${template}.`)
  const { deploys } = await client.get('/apps/:app/deploys', { app: app.name })
  const [deploy] = deploys
  if (deploy === undefined) throw failed(`The deploy of ${template} cannot be found. See: berth deploys -a ${app.name}`)
  await showDeploy(context, client, app.name, { deploy }, options)
  if (!options.json) context.out.line(`It answers at ${app.url}`)
}

export const info: Run = async (context, _args, options) => {
  const { out, now } = context
  const app = await load(context, options)
  if (options.json) return out.json(app)
  const slugs = await (await context.client()).get('/apps/:app/slugs', { app: app.name })
  out.facts([
    ['Name', app.name],
    ['Tenant', app.tenant],
    ['Address', app.url],
    ['Git remote', app.gitUrl],
    ['Created', `${formatSince(app.createdAt, now())} (${app.createdAt})`],
    ['Release', app.release === null ? 'none yet' : `v${app.release}`],
    ['Rollout', rolloutCell(app)],
    ['State', stateCell(app)],
    ['Slug', slugCell(slugs)],
    ['Buildpacks', app.build.buildpacks.join(', ') || 'found by the source'],
    ...buildFacts(app.build),
    ...Object.entries(app.formation).map(([type, process]): [string, Cell] => [
      type,
      process === undefined
        ? '-'
        : `${process.count} × ${formatMegabytes(process.size.memoryMb)}, ${formatCores(process.size.cpuMilli)} CPU`,
    ]),
  ])
}

/** Prints the address; where there is a display, a browser opens it too. */
export const open: Run = async (context, _args, options) => {
  const { env, out } = context
  const app = await load(context, options)
  if (!/^https?:\/\//.test(app.url)) throw failed(`The app's address is not a web address: ${app.url}`)
  if (options.json) out.json(app)
  else out.line(app.url)
  if (!env['DISPLAY'] && !env['WAYLAND_DISPLAY']) return
  const browser = spawn('xdg-open', [app.url], { stdio: 'ignore', detached: true })
  browser.on('error', () => out.note('No browser could be started: xdg-open is not there.'))
  browser.unref()
}

export const destroy: Run = async (context, [name], options) => {
  if (name !== undefined && options.app !== undefined && name !== options.app)
    throw usageError(`Two apps are named: ${name} and ${options.app}.`)
  const app = await context.app(name === undefined ? options : { ...options, app: name })
  const confirm = options.confirm ?? (await confirmed(context, app))
  if (confirm === null)
    throw usageError(
      `This destroys ${app} with its releases, config and logs, for good. If you mean it: berth apps:destroy ${app} --confirm ${app}`,
    )
  const answer = await (await context.client()).delete('/apps/:app', { app, query: { confirm } })
  if (options.json) context.out.json(answer)
  else context.out.line(`Destroyed ${app}.`)
}

/** Where somebody is at a terminal, it may be said there. @returns null when there is nobody to ask */
async function confirmed({ stdin, out }: Context, app: string): Promise<string | null> {
  if (!stdin.isTTY) return null
  out.note(`This destroys ${app} with its releases, config and logs, for good.`)
  const typed = await ask(stdin, `If you mean it, type ${app}: `, '')
  if (typed !== app) throw failed('That is not its name. Nothing was destroyed.')
  return typed
}

async function load(context: Context, options: Parameters<Run>[2]): Promise<AppView> {
  const app = await context.app(options)
  return (await context.client()).get('/apps/:app', { app })
}

const slugCell = ({ release, currentBytes, bytes }: SlugsView): Cell =>
  release === null ? '-' : `${formatBytes(currentBytes)}, ${formatBytes(bytes)} with the releases before`

function stateCell({ paused, suspended }: AppView): Cell {
  if (suspended !== null) return { text: `suspended: ${suspended}`, colour: 'red' }
  return paused ? { text: `paused by ${paused.by}`, colour: 'yellow' } : 'may run'
}

function rolloutCell({ rollout }: AppView): Cell {
  if (rollout === null) return '-'
  const text = `v${rollout.release} ${rollout.state}${rollout.detail === '' ? '' : `: ${rollout.detail}`}`
  if (rollout.state === 'failed') return { text, colour: 'red' }
  return rollout.state === 'rolling' ? { text, colour: 'yellow' } : text
}
