/** What hosts have promised: the snapshot that placement chooses from and reserves in. */
import { reservation, type Capacity, type Host } from '#core/domain/host.ts'
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
    if (live && !cordoned) rooms.set(id, { id, capacity, reserved: nothing, starting: 0, groups: new Map() })
  for (const { desired, reported } of instances) {
    const room = rooms.get(desired.hostId)
    if (!room || reported?.state === 'stopped' || reported?.state === 'failed') continue
    rooms.set(room.id, occupied(room, { group: groupOf(desired), size: desired.size }, isStarting(desired, reported)))
  }
  return [...rooms.values()]
}

/** The rooms with the request counted on its host. */
export function reserve(request: Request, hostId: HostId, rooms: Room[]): Room[] {
  return rooms.map((room) => (room.id === hostId ? occupied(room, request, true) : room))
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
