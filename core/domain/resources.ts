/** What one instance may use at most. All limits are enforced by the kernel. */
export type Resources = {
  memoryMb: number
  /** Thousandths of a core: 500 is half a core. */
  cpuMilli: number
  pids: number
  /** Bytes that the instance may write, in MiB; inodes follow (one per 16 KiB). */
  diskMb: number
}

export const defaultResources: Resources = { memoryMb: 512, cpuMilli: 1000, pids: 256, diskMb: 1024 }

/** A build compiles and installs: more of everything, for a short time. */
export const buildResources: Resources = { memoryMb: 2048, cpuMilli: 2000, pids: 1024, diskMb: 4096 }

/** What else one instance may take of what it shares with others; a tenant's plan sets it for all of the tenant's instances. */
export type Ceilings = {
  /** Each way, in Mbit/s. */
  networkMbit: number
  /** Connections that it has open to others at a time. */
  connections: number
  /** Connections that it opens, a second. */
  connectionsPerSecond: number
  /** What it prints, in KiB/s. */
  logKbPerSecond: number
  /** Reading and writing of the host's disks, each, in MiB/s. */
  ioMbPerSecond: number
}

export const defaultCeilings: Ceilings = {
  networkMbit: 200,
  connections: 1000,
  connectionsPerSecond: 100,
  logKbPerSecond: 256,
  ioMbPerSecond: 200,
}

export type Dimension = 'memory' | 'cpu' | 'disk' | 'slots'
