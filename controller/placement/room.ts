/** What hosts have promised: the snapshot that placement chooses from and reserves in. */
import {
  addCapacity,
  nothingReserved,
  reservation,
  reservedBy,
  subtractCapacity,
  type Capacity,
  type Host,
} from '#core/domain/host.ts'
import type { HostId } from '#core/domain/ids.ts'
import type { Desired, Instance } from '#core/domain/instance.ts'
import type { Resources } from '#core/domain/resources.ts'

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
    if (live && !cordoned) rooms.set(id, { id, capacity, reserved: nothingReserved, starting: 0, groups: new Map() })
  for (const instance of instances) {
    const { desired, reported } = instance
    const room = rooms.get(desired.hostId)
    if (!room || reported?.state === 'stopped' || reported?.state === 'failed') continue
    rooms.set(room.id, occupied(room, groupOf(desired), reservedBy(instance), isStarting(desired, reported)))
  }
  return [...rooms.values()]
}

/** The rooms with the request counted on its host. */
export function reserve(request: Request, hostId: HostId, rooms: Room[]): Room[] {
  const more = reservation(request.size)
  return rooms.map((room) => (room.id === hostId ? occupied(room, request.group, more, true) : room))
}

/** What an instance would reserve beyond what it does when it gets another size where it is. */
export const growthOf = (instance: Instance, size: Resources): Capacity =>
  subtractCapacity(reservedBy({ ...instance, desired: { ...instance.desired, size } }), reservedBy(instance))

/** The rooms after an instance has grown (or shrunk) on its host. */
export function grow(hostId: HostId, growth: Capacity, rooms: Room[]): Room[] {
  return rooms.map((room) => (room.id === hostId ? { ...room, reserved: addCapacity(room.reserved, growth) } : room))
}

/** A crash loop is not a start under way: it may last for days. */
const isStarting = (desired: Desired, reported: Instance['reported']): boolean =>
  desired.intent === 'run' &&
  (reported === null || reported.state === 'pending' || (reported.state === 'starting' && reported.restarts === 0))

function occupied(room: Room, group: string, more: Capacity, starting: boolean): Room {
  return {
    ...room,
    reserved: addCapacity(room.reserved, more),
    starting: room.starting + (starting ? 1 : 0),
    groups: new Map(room.groups).set(group, (room.groups.get(group) ?? 0) + 1),
  }
}
