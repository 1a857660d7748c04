/** hosts, hosts:add, hosts:revoke, hosts:cordon, hosts:uncordon: for operators. */
import type { HostView } from '#core/contract/api.ts'
import type { Run } from '../context.ts'
import { formatCores, formatMegabytes, type Cell } from '../text.ts'

export const list: Run = async ({ client, out }, _args, options) => {
  const answer = await (await client()).get('/hosts')
  if (options.json) return out.json(answer)
  if (answer.hosts.length === 0) return out.line('No host has registered yet. Start an agent on one.')
  out.table(
    ['HOST', 'STATE', 'CPU USED', 'CPU RESERVED', 'MEMORY USED', 'MEMORY RESERVED', 'INSTANCES', 'CGROUP', 'VERSION'],
    answer.hosts.map((host) => [
      host.id,
      stateCell(host),
      `${formatCores(host.cpuMilliUsed)} of ${formatCores(host.capacity.cpuMilli)}`,
      formatCores(host.reserved.cpuMilli),
      `${formatMegabytes(host.memoryMbUsed)} of ${formatMegabytes(host.capacity.memoryMb)}`,
      formatMegabytes(host.reserved.memoryMb),
      `${host.reserved.slots} of ${host.capacity.slots}`,
      host.cgroup,
      host.version,
    ]),
  )
}

/** The token alone is what a script wants on its standard output; the rest is for people. */
export const add: Run = async ({ client, out }, [host = ''], options) => {
  const made = await (await client()).post('/hosts', { body: { host } })
  if (options.json) return out.json(made)
  out.note(`On ${host}, before ${made.expiresAt.slice(11, 16)} UTC: set BERTH_JOIN_TOKEN to this, and start its agent.`)
  if (made.replaces) out.note(`A host ${host} has joined before. Its certificate ends when this one joins.`)
  out.line(made.token)
}

export const revoke: Run = async ({ client, out }, [host = ''], options) => {
  const answer = await (await client()).post('/hosts/:host/revoke', { host })
  if (options.json) out.json(answer ?? {})
  else
    out.line(
      `${host} cannot ask the controller for anything any more, and what runs on it moves to other hosts. To let it in again: berth hosts:add ${host}, and then berth hosts:uncordon ${host}`,
    )
}

export const cordon: Run = async ({ client, out }, [host = ''], options) => {
  const answer = await (await client()).post('/hosts/:host/cordon', { host })
  if (options.json) out.json(answer)
  else out.line(`${host} takes no new instances, and those on it move to other hosts.`)
}

export const uncordon: Run = async ({ client, out }, [host = ''], options) => {
  const answer = await (await client()).post('/hosts/:host/uncordon', { host })
  if (options.json) out.json(answer)
  else out.line(`${host} takes new instances again.`)
}

function stateCell({ live, cordoned }: HostView): Cell {
  if (!live) return { text: cordoned ? 'lost, cordoned' : 'lost', colour: 'red' }
  return cordoned ? { text: 'cordoned', colour: 'yellow' } : { text: 'live', colour: 'green' }
}
