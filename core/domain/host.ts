import type { HostId, LayerDigest } from './ids.ts'
import type { Instance } from './instance.ts'
import type { Resources } from './resources.ts'

export type Capacity = { memoryMb: number; cpuMilli: number; diskMb: number; slots: number }

/** A stack image on a host. `digest` null: not computed yet. */
export type HostStack = { name: string; digest: LayerDigest | null; bytes: number; debian: string; builtAt: number }

/** What an agent says of its machine at registration and with each heartbeat. */
export type HostReport = {
  id: HostId
  hostname: string
  capacity: Capacity
  /** Its own first stack image. */
  stack: string
  /** The stack images that it has, its own among them. */
  stacks: HostStack[]
  version: string
  cgroup: 'v1' | 'v2'
  startedAt: number
  /** Load now, for people; placement counts reservations instead. */
  cpuMilliUsed: number
  memoryMbUsed: number
  /** Agents of an earlier version do not say. */
  refusedJobs?: RefusedJobs
}

/** BullMQ's queue of one host. No `:` in it, so that no host's key prefix is the start of another's. */
export const queueName = (host: HostId): string => `agent-${host}`

/** Jobs that an agent ignored since it began, because its controller did not send them; `last`: null, none. */
export type RefusedJobs = { count: number; last: { at: number; reason: string } | null }

/** How full a disk is, as its users may fill it. */
export type HostDisk = { usedBytes: number; totalBytes: number }

/** `live` is derived from the lease, never written; `disk` null: its agent could not tell, or is of an earlier version. */
export type Host = HostReport & { live: boolean; cordoned: boolean; disk?: HostDisk | null }

/** A host's lease lapses after this; heartbeats come every HEARTBEAT_MS. */
export const HOST_LEASE_MS = 15_000
export const HEARTBEAT_MS = 3_000

/** An idle instance uses a fraction of its ceiling, so CPU is promised twice over; memory never is. */
export const CPU_OVERCOMMIT = 8

/** What an instance reserves on its host: what it was told it may use, or still may. */
export function reservedBy({ desired, reported }: Pick<Instance, 'desired' | 'reported'>): Capacity {
  if (reported?.state === 'stopped' || reported?.state === 'failed') return nothingReserved
  const needs = reservation(desired.size)
  return { ...needs, memoryMb: Math.max(needs.memoryMb, reported?.applied?.memoryMb ?? 0) }
}

export const nothingReserved: Capacity = { memoryMb: 0, cpuMilli: 0, diskMb: 0, slots: 0 }

export const addCapacity = (a: Capacity, b: Capacity): Capacity => ({
  memoryMb: a.memoryMb + b.memoryMb,
  cpuMilli: a.cpuMilli + b.cpuMilli,
  diskMb: a.diskMb + b.diskMb,
  slots: a.slots + b.slots,
})

export const subtractCapacity = (a: Capacity, b: Capacity): Capacity => ({
  memoryMb: a.memoryMb - b.memoryMb,
  cpuMilli: a.cpuMilli - b.cpuMilli,
  diskMb: a.diskMb - b.diskMb,
  slots: a.slots - b.slots,
})

export const reservation = (size: Resources): Capacity => ({
  memoryMb: size.memoryMb,
  cpuMilli: size.cpuMilli,
  diskMb: size.diskMb,
  slots: 1,
})
