/** top: what runs and what it takes, and how its requests go, as it changes. */
import type { InstanceView } from '#core/contract/api.ts'
import type { TrafficView } from '#core/contract/live.ts'
import type { Client } from '../client.ts'
import type { Context, Options, Run } from '../context.ts'
import { follow, Known, type Told } from '../follow.ts'
import { openScreen } from '../screen.ts'
import { parseCount, renderTable } from '../text.ts'
import { appRows, appsHead, instanceRows, instancesHead, summary, type Top } from '../top-table.ts'

/** Between two drawings, so that a burst of changes is one. */
const DRAW_EVERY_MS = 500

export const top: Run = async (context, _args, options) => {
  const client = await context.client()
  const isNamed = options.app !== undefined || options.remote !== undefined
  const app = isNamed ? await context.app(options) : null
  const { stdin, out } = context
  const { stdout } = process
  const times = options.num === undefined ? null : parseCount('--num', options.num)
  const isScreen = stdin.isTTY === true && stdout.isTTY === true && !options.json && times === null
  if (isScreen) return drawTop(client, app, stdin, stdout, context)
  let shown = 0
  for await (const state of states(client, app, new AbortController().signal)) {
    print(state, out, options)
    shown += 1
    if (shown >= (times ?? 1)) return
  }
}

async function drawTop(
  client: Client,
  app: string | null,
  stdin: NodeJS.ReadStream,
  stdout: NodeJS.WriteStream,
  { env, now }: Context,
): Promise<void> {
  const colours = !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const screen = openScreen(stdin, stdout)
  let newest: Top | null = null
  const draw = () => {
    if (newest === null) return
    const { instances } = newest
    screen.draw([
      `${summary(newest, app)}  (q ends)`,
      '',
      ...renderTable(appsHead, appRows(newest), colours),
      '',
      ...renderTable(instancesHead, instanceRows(instances, now()), colours),
    ])
  }
  const timer = setInterval(draw, DRAW_EVERY_MS)
  try {
    for await (const state of states(client, app, screen.signal)) {
      const isFirst = newest === null
      newest = state
      if (isFirst) draw()
    }
  } finally {
    clearInterval(timer)
    screen.restore()
  }
}

function print(state: Top, out: Context['out'], options: Options): void {
  if (options.json) return options.num === undefined ? out.json(state) : out.jsonLine(state)
  if (state.instances.length === 0) out.line('Nothing runs.')
  if (state.instances.length + state.traffic.length === 0) return
  out.table(appsHead, appRows(state))
  if (state.instances.length === 0) return
  out.line()
  out.table(instancesHead, instanceRows(state.instances, Date.now()))
}

/** What is known after each change, from when everything is. */
async function* states(client: Client, app: string | null, signal: AbortSignal): AsyncGenerator<Top> {
  const instances = new Known<'instances'>(({ id }: InstanceView) => id)
  const traffic = new Known<'traffic'>(({ app: name }: TrafficView) => name)
  for await (const told of follow(client, ['instances', 'traffic'], app, signal)) {
    take(told)
    if (instances.isWhole && traffic.isWhole)
      yield { instances: instances.views.toSorted(byName), traffic: traffic.views.toSorted(byApp) }
  }

  function take(told: Told): void {
    if (told.topic === 'instances') instances.take(told.change)
    if (told.topic === 'traffic') traffic.take(told.change)
  }
}

const byApp = (a: { app: string }, b: { app: string }): number => a.app.localeCompare(b.app)
const byName = (a: InstanceView, b: InstanceView): number =>
  byApp(a, b) || a.name.localeCompare(b.name, 'en', { numeric: true }) || a.release - b.release
