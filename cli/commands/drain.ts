/** hosts:drain, hosts:remove: for operators who take a machine away. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { InstanceView } from '#core/contract/api.ts'
import type { Client } from '../client.ts'
import type { Run } from '../context.ts'
import { failed } from '../failures.ts'
import { parseSeconds } from './run.ts'

const LOOK_EVERY_MS = 1000
const USUAL_MS = 15 * 60_000
const SHOWN = 5

export const drain: Run = async ({ client, out, now }, [host = ''], options) => {
  const patienceMs = options.timeout === undefined ? USUAL_MS : parseSeconds(options.timeout) * 1000
  const api = await client()
  const began = now()
  await api.post('/hosts/:host/cordon', { host })
  if (options.wait === false) {
    if (options.json) return out.json({ host, drained: false, instances: (await instancesOn(api, host)).length })
    return out.line(`${host} takes nothing new, and what runs there moves off. berth hosts shows how far it is.`)
  }
  let told = -1
  for (;;) {
    const left = await instancesOn(api, host)
    if (left.length === 0) break
    if (left.length !== told) out.note(`${left.length} instances are still on ${host}: ${listed(left)}`)
    told = left.length
    if (now() - began > patienceMs) {
      if (options.json) out.json({ host, drained: false, instances: left.length })
      throw failed(
        `${left.length} instances are still on ${host}. They move when other hosts have room (berth hosts), their app is not paused, and what runs once has ended. It stays cordoned; berth hosts:uncordon ${host} takes it back.`,
      )
    }
    await sleep(LOOK_EVERY_MS)
  }
  if (options.json) out.json({ host, drained: true, instances: 0 })
  else out.line(`Nothing runs on ${host} any more, and it takes nothing new.`)
}

async function instancesOn(api: Client, host: string): Promise<InstanceView[]> {
  const { instances } = await api.get('/instances')
  return instances.filter((instance) => instance.host === host)
}

function listed(instances: InstanceView[]): string {
  const names = instances.slice(0, SHOWN).map(({ app, name, state }) => `${app}/${name} ${state}`)
  return names.join(', ') + (instances.length > SHOWN ? ' …' : '')
}

export const remove: Run = async ({ client, out }, [host = ''], options) => {
  await (await client()).delete('/hosts/:host', { host })
  if (options.json) out.json({ host, removed: true })
  else out.line(`${host} is forgotten. If its agent starts again, it is a new host.`)
}
