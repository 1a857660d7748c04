/** Which of two hosts suits better: the order of reasons, and nothing else. */
import type { HostId } from '#core/domain/ids.ts'
import type { Room } from './room.ts'

/** Spread the group first; then the host that has promised the smaller share of its memory; then the id. */
export function compareHosts(group: string, a: Room, b: Room): number {
  return (
    (a.groups.get(group) ?? 0) - (b.groups.get(group) ?? 0) || memoryShare(a) - memoryShare(b) || (a.id < b.id ? -1 : 1)
  )
}

/** Fewest builds first; then the most memory that nobody was promised; then the id. */
export function compareBuilders(builds: ReadonlyMap<HostId, number>, a: Room, b: Room): number {
  return (builds.get(a.id) ?? 0) - (builds.get(b.id) ?? 0) || freeMemory(b) - freeMemory(a) || (a.id < b.id ? -1 : 1)
}

const memoryShare = ({ reserved, capacity }: Room): number => reserved.memoryMb / Math.max(1, capacity.memoryMb)
const freeMemory = ({ reserved, capacity }: Room): number => capacity.memoryMb - reserved.memoryMb
