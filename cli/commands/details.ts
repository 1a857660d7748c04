/** One thing in full: deploys:info, runs:info, cron:info, stacks:info, and hosts:instances. */
import type { Context, Options, Run } from '../context.ts'
import { failed } from '../failures.ts'
import { formatMegabytes, formatSince, type Cell } from '../text.ts'

export const deploy: Run = async (context, [wanted], options) => {
  const app = await context.app(options)
  const client = await context.client()
  const id = wanted ?? (await client.get('/apps/:app/deploys', { app })).deploys[0]?.id
  if (id === undefined) throw failed(`${app} has no deploys yet. Deploy with: git push berth main`)
  show(context, await client.get('/apps/:app/deploys/:deploy', { app, deploy: id }), options)
}

export const run: Run = async (context, [name = ''], options) => {
  const app = await context.app(options)
  show(context, await (await context.client()).get('/apps/:app/runs/:run', { app, run: name }), options)
}

export const job: Run = async (context, [name = ''], options) => {
  const app = await context.app(options)
  show(context, await (await context.client()).get('/apps/:app/cron/:job', { app, job: name }), options)
}

export const stack: Run = async (context, [name = ''], options) => {
  show(context, await (await context.client()).get('/stacks/:stack', { stack: name }), options)
}

/** What the build of a stack prints, to its end if it goes on. */
export const stackLog: Run = async ({ client, out }, [name = ''], options) => {
  for await (const entry of (await client()).stream('/stacks/:stack/log', { stack: name })) {
    if (options.json) out.jsonLine(entry)
    else if ('line' in entry) out.line(entry.line)
  }
}

export const instances: Run = async ({ client, out, now }, [host], options) => {
  const answer = await (await client()).get('/instances')
  const shown = answer.instances.filter((instance) => host === undefined || instance.host === host)
  if (options.json) return out.json({ instances: shown })
  if (shown.length === 0) return out.line(host === undefined ? 'Nothing runs.' : `Nothing runs on ${host}.`)
  out.table(
    ['ID', 'NAME', 'STATE', 'HOST', 'RELEASE', 'MEMORY', 'SINCE'],
    shown.map((one) => [
      one.id,
      one.name,
      one.state,
      one.host,
      `v${one.release}`,
      formatMegabytes(one.memoryMb),
      formatSince(one.since, now()),
    ]),
  )
}

function show({ out }: Context, view: object, options: Options): void {
  if (options.json) out.json(view)
  else out.facts(Object.entries(view).map(([name, value]): [string, Cell] => [labelOf(name), textOf(value)]))
}

/** `createdAt` is `Created at`. */
const labelOf = (name: string): string => {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (Array.isArray(value)) return value.map(textOf).join(', ') || '-'
  if (typeof value !== 'object') return typeof value === 'string' ? value : JSON.stringify(value)
  return Object.entries(value)
    .map(([name, inner]) => `${name}: ${textOf(inner)}`)
    .join(', ')
}
