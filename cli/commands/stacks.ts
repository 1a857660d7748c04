/** stacks, stacks:build, stacks:use, stacks:destroy: for operators. */
import type { StacksView, StackView } from '#core/contract/api.ts'
import type { Client } from '../client.ts'
import type { Run } from '../context.ts'
import { failed, usage } from '../failures.ts'
import { formatBytes, formatSince, type Cell } from '../text.ts'

export const list: Run = async ({ client, out, now }, _args, options) => {
  const answer = await (await client()).get('/stacks')
  if (options.json) return out.json(answer)
  out.table(
    ['STACK', 'STATE', 'DEBIAN', 'BUILT', 'SIZE', 'SHA-256', 'INSTANCES', 'ON HOSTS'],
    answer.stacks.map((stack) => [
      `${stack.name}${stack.inUse ? ' *' : ''}`,
      stateCell(stack),
      stack.debian ?? '-',
      stack.builtAt === null ? '-' : formatSince(stack.builtAt, now()),
      stack.bytes === null ? '-' : formatBytes(stack.bytes),
      stack.digest?.slice(0, 12) ?? '-',
      String(stack.instances),
      stack.hosts.join(', ') || '-',
    ]),
    answer.stacks.map(({ error }) => (error === null ? [] : [`    ${error}`])),
  )
  out.line()
  out.line(progressOf(answer))
}

export const build: Run = async (context, _args, { host, fresh, wait, json }) => {
  const { out } = context
  const client = await context.client()
  const ordered = await client.post('/stacks', { body: { host, fresh } })
  if (wait === false) {
    if (json) return out.json(ordered)
    return out.line(`${ordered.name} is being built on ${ordered.builtOn}. See: berth stacks`)
  }
  const show = json ? out.note : out.line
  show(`Building ${ordered.name} on ${ordered.builtOn}`)
  const stack = await follow(client, ordered.name, show)
  if (json) out.json(stack)
  if (stack.state !== 'built')
    throw failed(`${stack.name} was not built: ${stack.error ?? `its host ${stack.builtOn} is lost`}`)
  if (!json) out.line(`${stack.name} is built. Put all apps on it with: berth stacks:use ${stack.name}`)
}

export const use: Run = async (context, [name], { rollback, force, json }) => {
  if ((name === undefined) === (rollback === undefined)) throw usage('Name a stack, or give --rollback.')
  const { out } = context
  const body = { ...(name === undefined ? { rollback: true as const } : { use: name }), force }
  const answer = await (await context.client()).patch('/stacks', { body })
  if (json) return out.json(answer)
  out.line(progressOf(answer))
  if (answer.onCurrent < answer.instances)
    out.line('Each is replaced before it goes, one of an app at a time. Watch it with: berth stacks')
}

export const destroy: Run = async ({ client, out }, [name = ''], { json }) => {
  const answer = await (await client()).delete('/stacks/:stack', { stack: name })
  if (json) out.json(answer)
  else out.line(`Destroyed the stack ${name}.`)
}

async function follow(client: Client, name: string, show: (line: string) => void): Promise<StackView> {
  for await (const entry of client.stream('/stacks/:stack/log', { stack: name })) {
    if ('end' in entry) return entry.end
    show(`       ${entry.line}`)
  }
  throw failed(`The log of ${name} broke off; it is being built on. See: berth stacks`)
}

function progressOf({ current, onCurrent, instances }: StacksView): string {
  const which = current === null ? "each host's own stack" : current
  return onCurrent === instances
    ? `In use: ${which}, by all ${instances} instances.`
    : `In use: ${which}, by ${onCurrent} of ${instances} instances so far.`
}

function stateCell({ state, own }: StackView): Cell {
  const colours = { building: 'yellow', built: 'green', failed: 'red', lost: 'red' } as const
  return { text: own ? "host's own" : state, colour: colours[state] }
}
