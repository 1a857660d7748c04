/** Samples the kernel's cumulative counters of every sandbox and hands them to the ledger. */
import type { AppId, InstanceId, TenantId } from '#core/domain/ids.ts'
import type { Desired, InstanceStats } from '#core/domain/instance.ts'
import { reportStats } from '#core/store/instances.ts'
import { recordUsage } from '#core/store/usage.ts'
import type { Store } from '#core/store/connection.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { sampleSandbox, type Sample, type SandboxHandle, type SandboxHost } from './sandbox/index.ts'

/** Who pays for what a sandbox uses, and what it is; an instance's figures are shown by `berth ps` too. */
export type Owner = { tenantId: TenantId; appId: AppId; instanceId: InstanceId | null; kind: 'instance' | 'build' }

export const ownerOf = ({ tenantId, appId, id }: Desired): Owner => ({
  tenantId,
  appId,
  instanceId: id,
  kind: 'instance',
})

export type Meter = {
  track(owner: Owner, sandbox: SandboxHandle): void
  /** Takes a last sample; to be called before the sandbox's cgroup goes. */
  finish(sandbox: SandboxHandle): Promise<Sample | null>
  stop(): Promise<void>
}

type Tracked = {
  owner: Owner
  sandbox: SandboxHandle
  memoryMbSeconds: number
  last: { at: number; sample: Sample } | null
  cpuMilli: number
}

export const SAMPLE_EVERY_MS = 10_000
const STATS_EVERY_MS = 2_000

export function startMeter(context: { store: Store; log: Log; host: SandboxHost; now: () => number }): Meter {
  const { store, log, host, now } = context
  const tracked = new Map<string, Tracked>()
  const stopping = new AbortController()
  let lastRecord = 0

  async function sample(entry: Tracked): Promise<Sample | null> {
    const found = await sampleSandbox(host, entry.sandbox)
    if (!found) return null
    const at = now()
    // While the agent was away, memory is taken to have been what it is now, since its last start or sample.
    const since = entry.last?.at ?? entry.sandbox.startedAt
    const seconds = Math.max(0, at - since) / 1000
    const before = entry.last?.sample ?? found
    entry.memoryMbSeconds += ((before.memoryBytes + found.memoryBytes) / 2 / 1024 / 1024) * seconds
    if (entry.last && seconds > 0)
      entry.cpuMilli = Math.round(((found.cpuSeconds - before.cpuSeconds) / seconds) * 1000)
    entry.last = { at, sample: found }
    return found
  }

  async function record(entry: Tracked): Promise<void> {
    if (!entry.last) return
    const { cpuSeconds, networkInBytes, networkOutBytes } = entry.last.sample
    const subject = `${entry.sandbox.id}-${entry.sandbox.startedAt}`
    const usage = { cpuSeconds, memoryMbSeconds: entry.memoryMbSeconds, networkInBytes, networkOutBytes }
    const { tenantId, appId } = entry.owner
    await recordUsage(store, [{ subject, tenantId, appId, at: entry.last.at, usage, ended: false }])
  }

  async function round(): Promise<void> {
    const entries = [...tracked.values()]
    await Promise.all(entries.map(sample))
    const stats = new Map<InstanceId, InstanceStats>()
    for (const { owner, last, cpuMilli } of entries) {
      if (owner.instanceId && last)
        stats.set(owner.instanceId, { at: last.at, cpuMilli, memoryBytes: last.sample.memoryBytes })
    }
    if (stats.size > 0) await reportStats(store, stats)
    if (now() - lastRecord >= SAMPLE_EVERY_MS) {
      await Promise.all(entries.map(record))
      lastRecord = now()
    }
  }

  const rounds = repeat(STATS_EVERY_MS, round, stopping.signal, (error) => log.warn('sampling failed', { error }))
  return {
    track: (owner, sandbox) =>
      void tracked.set(sandbox.id, { owner, sandbox, memoryMbSeconds: 0, last: null, cpuMilli: 0 }),
    async finish(sandbox) {
      const entry = tracked.get(sandbox.id)
      if (!entry) return sampleSandbox(host, sandbox)
      tracked.delete(sandbox.id)
      const last = await sample(entry)
      await record(entry).catch((error: unknown) =>
        log.warn('last sample not recorded', { sandbox: sandbox.id, error }),
      )
      return last
    },
    async stop() {
      stopping.abort()
      await rounds
    },
  }
}
