/** Chooses a host: filter (which can take it?), score (which suits best?), reserve (count it there from now on). */
import { CPU_OVERCOMMIT, reservation, type Capacity, type Host } from '#core/domain/host.ts'
import type { HostId } from '#core/domain/ids.ts'
import type { Desired, Instance } from '#core/domain/instance.ts'
import type { Dimension, Resources } from '#core/domain/resources.ts'
import { compareBuilders, compareHosts } from './score.ts'

/** A host as placement sees it: what it offers and what is promised there. Never changed, only replaced. */
export type Room = {
  id: HostId
  capacity: Capacity
  reserved: Capacity
  /** Starts under way: a host that gets too many at once starts all of them slowly. */
  starting: number
  /** Instances per group, to spread each group over the hosts. */
  groups: ReadonlyMap<string, number>
}

export type Request = { group: string; size: Resources }

export type Placement =
  | { placed: true; hostId: HostId }
  /** `short`: what no host has enough of; empty when no host takes work. */
  | { placed: false; because: 'capacity'; short: Dimension[] }
  /** There is room, but all hosts that have it are starting as many as they should at once. */
  | { placed: false; because: 'busy' }

export const MAX_STARTING = 10

/**
 * Instances of one group are spread: one host's loss should not take all of an app's web instances. The release is part
 * of it, because those of the release before are about to leave and should not push the new ones aside.
 */
export const groupOf = (desired: Pick<Desired, 'appId' | 'processType' | 'release' | 'generation'>): string =>
  `${desired.appId}/${desired.processType}/${desired.release}.${desired.generation}`

/** The hosts that take work, with what their instances reserve. What was stopped or gave up reserves nothing. */
export function openRooms(hosts: Host[], instances: Instance[]): Room[] {
  const rooms = new Map<HostId, Room>()
  for (const { id, capacity, live, cordoned } of hosts)
    if (live && !cordoned) rooms.set(id, { id, capacity, reserved: nothing, starting: 0, groups: new Map() })
  for (const { desired, reported } of instances) {
    const room = rooms.get(desired.hostId)
    if (!room || reported?.state === 'stopped' || reported?.state === 'failed') continue
    rooms.set(room.id, occupied(room, { group: groupOf(desired), size: desired.size }, isStarting(desired, reported)))
  }
  return [...rooms.values()]
}

/** Which host takes it. Equal hosts are told apart by id, so the same question has the same answer. */
export function place(request: Request, rooms: Room[]): Placement {
  const fitting = rooms.filter((room) => lacking(request, room).length === 0)
  if (fitting.length === 0) return { placed: false, because: 'capacity', short: shortage(request, rooms) }
  const [best] = fitting
    .filter((room) => room.starting < MAX_STARTING)
    .sort((a, b) => compareHosts(request.group, a, b))
  return best ? { placed: true, hostId: best.id } : { placed: false, because: 'busy' }
}

/** The rooms with the request counted on its host. */
export function reserve(request: Request, hostId: HostId, rooms: Room[]): Room[] {
  return rooms.map((room) => (room.id === hostId ? occupied(room, request, true) : room))
}

/**
 * Which host builds; null when none takes work. A build is short and limited by its cgroup, so a lack of unreserved
 * memory makes a host less liked but does not rule it out: otherwise a full cluster could not deploy its own repair.
 */
export function placeBuild(rooms: Room[], builds: ReadonlyMap<HostId, number>): HostId | null {
  return [...rooms].sort((a, b) => compareBuilders(builds, a, b))[0]?.id ?? null
}

/** For people: `no host has 512 MB memory free`. */
export function describeShortage(size: Resources, short: Dimension[]): string {
  if (short.length === 0) return 'no host takes work: all are down or cordoned'
  return `no host has ${short.map((dimension) => amounts[dimension](size)).join(' and ')} free`
}

const amounts: Record<Dimension, (size: Resources) => string> = {
  memory: (size) => `${size.memoryMb} MB memory`,
  cpu: (size) => `${size.cpuMilli / 1000} CPU`,
  disk: (size) => `${size.diskMb} MB disk`,
  slots: () => 'a slot for another instance',
}

const nothing: Capacity = { memoryMb: 0, cpuMilli: 0, diskMb: 0, slots: 0 }

/** A crash loop is not a start under way: it may last for days. */
const isStarting = (desired: Desired, reported: Instance['reported']): boolean =>
  desired.intent === 'run' &&
  (reported === null || reported.state === 'pending' || (reported.state === 'starting' && reported.restarts === 0))

function occupied(room: Room, request: Request, starting: boolean): Room {
  const more = reservation(request.size)
  return {
    ...room,
    reserved: {
      memoryMb: room.reserved.memoryMb + more.memoryMb,
      cpuMilli: room.reserved.cpuMilli + more.cpuMilli,
      diskMb: room.reserved.diskMb + more.diskMb,
      slots: room.reserved.slots + more.slots,
    },
    starting: room.starting + (starting ? 1 : 0),
    groups: new Map(room.groups).set(request.group, (room.groups.get(request.group) ?? 0) + 1),
  }
}

function lacking({ size }: Request, { capacity, reserved }: Room): Dimension[] {
  const more = reservation(size)
  const fits: Record<Dimension, boolean> = {
    memory: reserved.memoryMb + more.memoryMb <= capacity.memoryMb,
    cpu: reserved.cpuMilli + more.cpuMilli <= capacity.cpuMilli * CPU_OVERCOMMIT,
    disk: reserved.diskMb + more.diskMb <= capacity.diskMb,
    slots: reserved.slots + more.slots <= capacity.slots,
  }
  return dimensions.filter((dimension) => !fits[dimension])
}

/** What every host lacks is the cause; where they lack different things, all of those are. */
function shortage(request: Request, rooms: Room[]): Dimension[] {
  const lacks = rooms.map((room) => lacking(request, room))
  const everywhere = dimensions.filter((dimension) => lacks.every((lack) => lack.includes(dimension)))
  if (rooms.length === 0) return []
  return everywhere.length > 0 ? everywhere : dimensions.filter((d) => lacks.some((lack) => lack.includes(d)))
}

const dimensions = ['memory', 'cpu', 'disk', 'slots'] as const satisfies Dimension[]
