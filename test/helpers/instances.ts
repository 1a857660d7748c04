/** A host and instances on it, for tests that write the store themselves. */
import type { App } from '#core/domain/app.ts'
import type { HostReport } from '#core/domain/host.ts'
import type { HostId, InstanceId, ProcessType } from '#core/domain/ids.ts'
import type { Desired, Reported } from '#core/domain/instance.ts'
import { defaultShare } from '#core/domain/quota.ts'
import { defaultCeilings, defaultResources } from '#core/domain/resources.ts'

export const aLiveHost: HostReport = {
  id: 'host-1' as HostId,
  hostname: 'host-1',
  capacity: { memoryMb: 1024, cpuMilli: 2000, diskMb: 1024, slots: 10 },
  stack: 'debian',
  stacks: [],
  version: '0.1.0',
  cgroup: 'v1',
  startedAt: 0,
  cpuMilliUsed: 300,
  memoryMbUsed: 100,
}

export const anInstanceOf = (app: App, number: number): Desired => ({
  id: `i-${app.name}-${number}` as InstanceId,
  appId: app.id,
  appName: app.name,
  tenantId: app.tenantId,
  hostId: aLiveHost.id,
  processType: 'web' as ProcessType,
  number,
  release: 1,
  generation: 0,
  uidBase: app.uidBase,
  size: defaultResources,
  ceilings: defaultCeilings,
  share: defaultShare,
  paused: false,
  stack: null,
  epoch: 1,
  intent: 'run',
  since: 0,
  graceMs: 1000,
  onExit: 'restart',
  once: null,
})

export const aRunningReport: Reported = {
  epoch: 1,
  state: 'running',
  address: null,
  reason: null,
  detail: null,
  exitCode: null,
  restarts: 0,
  since: 0,
  startedMs: 1,
  readyMs: 1,
  applied: null,
}
