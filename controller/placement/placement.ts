/** Chooses a host: filter (which can take it?), then score (which suits best?). Who asks reserves, in its own snapshot. */
import { CPU_OVERCOMMIT, reservation, type Capacity } from '#core/domain/host.ts'
import type { HostId } from '#core/domain/ids.ts'
import type { Dimension, Resources } from '#core/domain/resources.ts'
import type { Request, Room } from './room.ts'
import { compareBuilders, compareHosts } from './score.ts'

export type Placement =
  | { placed: true; hostId: HostId }
  /** `short`: what no host has enough of; empty when no host takes work. */
  | { placed: false; because: 'capacity'; short: Dimension[] }
  /** There is room, but all hosts that have it are starting as many as they should at once. */
  | { placed: false; because: 'busy' }

export const MAX_STARTING = 10

/** Which host takes it. Equal hosts are told apart by id, so the same question has the same answer. */
export function place(request: Request, rooms: Room[]): Placement {
  const fitting = rooms.filter((room) => lacking(request, room).length === 0)
  if (fitting.length === 0) return { placed: false, because: 'capacity', short: shortage(request, rooms) }
  const [best] = fitting
    .filter((room) => room.starting < MAX_STARTING)
    .sort((a, b) => compareHosts(request.group, a, b))
  return best ? { placed: true, hostId: best.id } : { placed: false, because: 'busy' }
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

/** Can an instance become so much larger where it is? One that only shrinks always can. */
export function hasRoomToGrow(hostId: HostId, growth: Capacity, rooms: Room[]): boolean {
  if (dimensions.every((dimension) => growth[field[dimension]] <= 0)) return true
  const room = rooms.find(({ id }) => id === hostId)
  return room !== undefined && lackingFor(growth, room).every((dimension) => growth[field[dimension]] <= 0)
}

const field = { memory: 'memoryMb', cpu: 'cpuMilli', disk: 'diskMb', slots: 'slots' } as const

const lacking = ({ size }: Request, room: Room): Dimension[] => lackingFor(reservation(size), room)

function lackingFor(more: Capacity, { capacity, reserved }: Room): Dimension[] {
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
