/** Cumulative counters of one instance's life (or one build's), as the kernel keeps them; they only grow. */
export type UsageCounters = {
  cpuSeconds: number
  /** Integral of resident memory over time. */
  memoryMbSeconds: number
  /** Bytes on the instance's network link, seen from the instance. */
  networkInBytes: number
  networkOutBytes: number
}

/** Totals of an app. Requests and their bytes are counted by the routers. */
export type UsageTotals = UsageCounters & { requests: number; requestInBytes: number; requestOutBytes: number }

export const usageFields = [
  'cpuSeconds',
  'memoryMbSeconds',
  'networkInBytes',
  'networkOutBytes',
  'requests',
  'requestInBytes',
  'requestOutBytes',
] as const satisfies (keyof UsageTotals)[]

export const noUsage: UsageTotals = {
  cpuSeconds: 0,
  memoryMbSeconds: 0,
  networkInBytes: 0,
  networkOutBytes: 0,
  requests: 0,
  requestInBytes: 0,
  requestOutBytes: 0,
}

export const memoryMbHours = (usage: Pick<UsageCounters, 'memoryMbSeconds'>): number => usage.memoryMbSeconds / 3600
