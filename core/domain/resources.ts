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

export type Dimension = 'memory' | 'cpu' | 'disk' | 'slots'
