import type { HostId, LayerDigest } from './ids.ts'
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
}

/** `live` is derived from the lease, never written. */
export type Host = HostReport & { live: boolean; cordoned: boolean }

/** A host's lease lapses after this; heartbeats come every HEARTBEAT_MS. */
export const HOST_LEASE_MS = 15_000
export const HEARTBEAT_MS = 3_000

/** An idle instance uses a fraction of its ceiling, so CPU is promised twice over; memory never is. */
export const CPU_OVERCOMMIT = 8

export const reservation = (size: Resources): Capacity => ({
  memoryMb: size.memoryMb,
  cpuMilli: size.cpuMilli,
  diskMb: size.diskMb,
  slots: 1,
})
