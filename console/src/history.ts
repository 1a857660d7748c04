/** The last samples of each instance, for the small curves. */
import type { InstanceView } from '../../core/contract/api.ts'

export const KEPT_SAMPLES = 60

/** Oldest first. A sample is null where the instance reported nothing. */
export type Samples = { cpuMilli: (number | null)[]; memoryBytes: (number | null)[] }
export type History = ReadonlyMap<string, Samples>

/** @returns a new history with one more sample each; instances that are gone are forgotten */
export function addSamples(history: History, instances: InstanceView[]): History {
  return new Map(
    instances.map(({ id, cpuMilliUsed, memoryBytesUsed }) => {
      const before = history.get(id) ?? { cpuMilli: [], memoryBytes: [] }
      return [
        id,
        {
          cpuMilli: [...before.cpuMilli, cpuMilliUsed].slice(-KEPT_SAMPLES),
          memoryBytes: [...before.memoryBytes, memoryBytesUsed].slice(-KEPT_SAMPLES),
        },
      ]
    }),
  )
}
