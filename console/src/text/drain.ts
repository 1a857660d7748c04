/** How far each instance on a host that is being drained has come, and why one that stays does. */
import type { HostView, InstanceView } from '../../../core/contract/api.ts'
import { mebibytes } from './format.ts'
import type { Word } from './words.ts'

export type Leaving = { instance: InstanceView; word: Word; text: string }

/**
 * @param here what is on the host still
 * @param all every instance of the place
 * @param hosts every host of the place
 */
export function leavingOf(here: InstanceView[], all: InstanceView[], hosts: HostView[]): Leaving[] {
  const byName = Map.groupBy(all, keyOf)
  return here.map((instance) => {
    const others = (byName.get(keyOf(instance)) ?? []).filter((other) => other.host !== instance.host && isAlive(other))
    return { instance, ...standingOf(instance, others, hosts) }
  })
}

const keyOf = ({ app, name }: InstanceView): string => `${app} ${name}`
const isAlive = ({ state }: InstanceView): boolean => ['pending', 'starting', 'running'].includes(state)

function standingOf(instance: InstanceView, others: InstanceView[], hosts: HostView[]): Omit<Leaving, 'instance'> {
  if (instance.once)
    return { word: { text: 'Runs once', tone: 'idle' }, text: 'It ends by itself; nothing takes its place.' }
  const serving = others.find(({ state }) => state === 'running')
  if (serving || instance.intent !== 'run' || instance.state === 'draining')
    return {
      word: { text: 'Leaving', tone: 'good' },
      text: `${serving ? `Another one serves on ${serving.host}. ` : ''}It ends what it is at, then stops.`,
    }
  const [coming] = others
  if (coming) return { word: { text: 'Moving', tone: 'busy' }, text: `Another one starts on ${coming.host}.` }
  const why = shortageFor(instance, hosts)
  if (why !== null) return { word: { text: 'Stays', tone: 'bad' }, text: why }
  return { word: { text: 'Waiting', tone: 'busy' }, text: 'Another host has room: its turn comes.' }
}

/** What the placement asks for, as far as it can be told from here. @returns null where some host has room */
function shortageFor({ host: from, memoryMb, diskMb }: InstanceView, hosts: HostView[]): string | null {
  const open = hosts.filter(({ id, live, cordoned }) => id !== from && live && !cordoned)
  if (open.length === 0) return 'No other host takes work: add one, or uncordon one.'
  const free = (host: HostView, what: 'memoryMb' | 'diskMb' | 'slots'): number =>
    host.capacity[what] - host.reserved[what]
  if (open.every((host) => free(host, 'memoryMb') < memoryMb))
    return `No other host has ${mebibytes(memoryMb)} of memory free: add a host, or scale something down.`
  if (open.every((host) => free(host, 'diskMb') < diskMb))
    return `No other host has ${mebibytes(diskMb)} of disk free: add a host, or scale something down.`
  if (open.every((host) => free(host, 'slots') < 1)) return 'Every other host holds as many instances as it may.'
  return null
}
