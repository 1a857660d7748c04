/** buildpacks, buildpacks:set, :add, :remove, :clear; apps:set and apps:unset: how an app is built from its next push on. */
import type { BuildSettingsView, PatchBuild } from '#core/contract/api.ts'
import type { Context, Options, Run } from '../context.ts'
import { failed, usage } from '../failures.ts'

export const list: Run = async (context, _args, options) => {
  const { out } = context
  const app = await context.app(options)
  const view = await load(context, app)
  if (options.json) return out.json(view)
  showList(context, app, view)
  const { own, offered } = view.available
  out.note(`Berth has ${own.join(', ')}; the operator offers ${offered.join(', ') || 'none'}; others by their URL.`)
}

/** Without --index the list becomes what is named; with it, the one in that place is replaced. */
export const set: Run = async (context, named, options) => {
  const app = await context.app(options)
  if (options.index === undefined) return change(context, app, named, options)
  const { buildpacks } = await load(context, app)
  const place = placeIn(buildpacks, options.index, buildpacks.length)
  await change(context, app, buildpacks.with(place, onlyOne(named)), options)
}

/** At the end, or before the one in the place that --index names. */
export const add: Run = async (context, named, options) => {
  const app = await context.app(options)
  const { buildpacks } = await load(context, app)
  const place =
    options.index === undefined ? buildpacks.length : placeIn(buildpacks, options.index, buildpacks.length + 1)
  await change(context, app, buildpacks.toSpliced(place, 0, ...named), options)
}

export const remove: Run = async (context, [named], options) => {
  if ((named === undefined) === (options.index === undefined)) throw usage('Name a buildpack, or give its --index.')
  const app = await context.app(options)
  const { buildpacks } = await load(context, app)
  const place =
    options.index === undefined
      ? buildpacks.indexOf(named ?? '')
      : placeIn(buildpacks, options.index, buildpacks.length)
  if (place < 0) throw failed(`${app} has no buildpack ${named}. It has: ${buildpacks.join(', ') || 'none'}.`)
  await change(context, app, buildpacks.toSpliced(place, 1), options)
}

export const clear: Run = async (context, _args, options) => change(context, await context.app(options), [], options)

async function change(context: Context, app: string, buildpacks: string[], options: Options): Promise<void> {
  const view = await patch(context, app, { buildpacks })
  if (options.json) return context.out.json(view)
  showList(context, app, view)
  context.out.note('It takes effect with the next push.')
}

function showList({ out }: Context, app: string, { buildpacks }: BuildSettingsView): void {
  if (buildpacks.length === 0) return out.line(`${app} has no buildpacks set: what its source looks like decides.`)
  for (const [index, name] of buildpacks.entries()) out.line(`${index + 1}. ${name}`)
}

function placeIn(buildpacks: string[], text: string, most: number): number {
  const index = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0
  if (index >= 1 && index <= most) return index - 1
  const range = most === 0 ? 'there are no buildpacks yet' : `from 1 to ${most}`
  throw usage(
    `--index is a place in the list of ${buildpacks.length} buildpacks, ${range}; got ${JSON.stringify(text)}.`,
  )
}

function onlyOne(named: string[]): string {
  const [one, ...more] = named
  if (one !== undefined && more.length === 0) return one
  throw usage('With --index one buildpack takes the place of another: name one.')
}

// ── apps:set ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The settings that are KEY=VALUE; an empty value takes one back. */
const settings = {
  root: (value: string): PatchBuild => ({ root: value === '' ? null : value }),
  branch: (value: string): PatchBuild => ({ branch: value === '' ? null : value }),
}

export const setSettings: Run = async (context, pairs, options) => {
  const wish: PatchBuild = {}
  for (const pair of pairs) {
    const [, name, value = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? []
    const reader = readerOf(name ?? pair)
    if (name === undefined)
      throw usage(`${pair} is set as ${pair}=VALUE; an empty value, or apps:unset ${pair}, takes it back.`)
    Object.assign(wish, reader(value))
  }
  await showSettings(context, wish, options)
}

export const unsetSettings: Run = async (context, names, options) => {
  const wish: PatchBuild = {}
  for (const name of names) Object.assign(wish, readerOf(name)(''))
  await showSettings(context, wish, options)
}

function readerOf(name: string): (value: string) => PatchBuild {
  const reader = Object.hasOwn(settings, name) ? settings[name as keyof typeof settings] : undefined
  if (reader) return reader
  throw usage(
    `${JSON.stringify(name)} is no setting of an app; there are ${Object.keys(settings).join(' and ')}, as in: berth apps:set root=apps/web`,
  )
}

async function showSettings(context: Context, wish: PatchBuild, options: Options): Promise<void> {
  const app = await context.app(options)
  const view = await patch(context, app, wish)
  if (options.json) return context.out.json(view)
  context.out.facts(factsOf(view))
  context.out.note('It takes effect with the next push.')
}

/** For `berth info`, too. */
export const factsOf = ({ root, branch }: Pick<BuildSettingsView, 'root' | 'branch'>): [string, string][] => [
  ['Root folder', root ?? 'that of the repository'],
  ['Deploys from', branch ?? 'main or master'],
]

// ── the API ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const load = async (context: Context, app: string) => (await context.client()).get('/apps/:app/build', { app })

const patch = async (context: Context, app: string, wish: PatchBuild) =>
  (await context.client()).patch('/apps/:app/build', { app, body: wish })
