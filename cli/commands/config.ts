/** config, config:get, config:set, config:unset. */
import type { PatchConfig } from '#core/contract/api.ts'
import { readAll } from '../ask.ts'
import type { Context, Options, Run } from '../context.ts'
import { showDeploy } from '../deploy-log.ts'
import { failed, usage } from '../failures.ts'
import { parseAssignment, parseConfigName } from '../text.ts'

type ConfigView = { config: Record<string, string> }

export const list: Run = async (context, _args, options) => {
  const { out } = context
  const app = await context.app(options)
  const view = await load(context, app)
  if (options.json) return out.json(view)
  const entries = Object.entries(view.config).sort(([a], [b]) => (a < b ? -1 : 1))
  if (entries.length === 0)
    return out.line(`${app} has no config vars. Set one with: berth config:set KEY=VALUE -a ${app}`)
  out.facts(entries)
}

/** The bare value, for scripts; it keeps its newlines. */
export const get: Run = async (context, [name = ''], options) => {
  parseConfigName(name)
  const app = await context.app(options)
  const view = await load(context, app)
  const value = view.config[name]
  if (value === undefined || !Object.hasOwn(view.config, name)) throw failed(`${app} has no config var ${name}.`)
  if (options.json) context.out.json({ config: { [name]: value } })
  else context.out.value(value)
}

export const set: Run = async (context, pairs, options) => {
  const assignments = pairs.map(parseAssignment)
  const names = assignments.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw usage(`${twice} is set twice.`)
  const piped = assignments.filter(({ value }) => value === '-')
  if (piped.length > 1) throw usage('Only one variable can be read from standard input with KEY=-.')
  const app = await context.app(options)
  const patch: PatchConfig = {}
  for (const { name, value } of assignments) patch[name] = value === '-' ? await readAll(context.stdin) : value
  await change(context, app, patch, `Set ${names.join(', ')} on ${app}.`, options)
}

export const unset: Run = async (context, names, options) => {
  const patch: PatchConfig = Object.fromEntries(names.map((name) => [parseConfigName(name), null]))
  const app = await context.app(options)
  await change(context, app, patch, `Removed ${names.join(', ')} from ${app}.`, options)
}

/** A change of config is a release, because releases carry their config: the deploy is followed to its end. */
async function change(
  context: Context,
  app: string,
  patch: PatchConfig,
  done: string,
  options: Options,
): Promise<void> {
  const client = await context.client()
  const answer = await client.patch('/apps/:app/config', { app, body: patch })
  if (!options.json) context.out.line(done)
  if ('deploy' in answer) return showDeploy(context, client, app, answer, options)
  if (options.json) context.out.json(answer)
  else context.out.note('No release was needed.')
}

async function load(context: Context, app: string): Promise<ConfigView> {
  return (await context.client()).get('/apps/:app/config', { app })
}
