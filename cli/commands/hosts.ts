/** hosts, hosts:cordon, hosts:uncordon: for operators. */
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
