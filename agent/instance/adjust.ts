/** Brings what runs to what is desired of it by now, without a restart: its limits, its tenant's share, a pause. */
import type { InstanceId, TenantId } from '#core/domain/ids.ts'
import { processName, type Applied, type Desired, type Reported } from '#core/domain/instance.ts'
import type { TenantShare } from '#core/domain/quota.ts'
import type { Resources } from '#core/domain/resources.ts'
import type { Log } from '#core/runtime/log.ts'
import { adjustSandbox, freezeSandbox, thawSandbox, type SandboxHost } from '../sandbox/index.ts'
import type { InstanceRecord, Limits, Records } from './record.ts'
import { sharesOf } from './shares.ts'

export type AdjustContext = {
  log: Log
  host: SandboxHost
  records: Pick<Records, 'save'>
  /** What is desired of all that is on this host. */
  wishes(): Desired[]
  /** Holds a tenant inside its share of this host; cheap when nothing changed. */
  hold(tenant: TenantId, share: TenantShare): Promise<void>
  report(id: InstanceId, reported: Reported): Promise<void>
  /** Tells people, once, that a limit stays as it is, and why. */
  refused(record: InstanceRecord, text: string): Promise<void>
}

export type Adjuster = {
  /** What the instance's tenant may use here now. */
  shareOf(desired: Desired): TenantShare
  /** One change of an instance comes after the other; never rejects. */
  adjust(record: InstanceRecord): Promise<void>
  /** Tries again what could not be brought about yet: a share or a limit that is still below what is used. */
  settle(records: InstanceRecord[]): Promise<void>
}

export function createAdjuster(context: AdjustContext): Adjuster {
  const { log, host, records } = context
  const underWay = new WeakMap<InstanceRecord, Promise<void>>()

  const shareOf = (desired: Desired) => sharesOf(context.wishes()).get(desired.tenantId) ?? desired.share

  async function bring(record: InstanceRecord): Promise<void> {
    const { sandbox, applied, desired } = record
    if (!sandbox || !applied || desired.intent === 'stop') return
    const share = shareOf(desired)
    await context.hold(desired.tenantId, share)
    const wanted = limitsOf(desired, share)
    if (!isSame({ ...applied, paused: wanted.paused }, wanted)) {
      const adjusted = await adjustSandbox(host, sandbox, { size: desired.size, ceilings: desired.ceilings, share })
      if (adjusted.refused !== null) return refuse(record, applied, adjusted.usedBytes)
    }
    if (wanted.paused !== applied.paused) await (wanted.paused ? freezeSandbox(sandbox) : thawSandbox(sandbox))
    record.applied = wanted
    await answer(record, desired.epoch, { applied: appliedOf(wanted), detail: null })
  }

  /** It keeps what it has. */
  async function refuse(record: InstanceRecord, { size }: Limits, usedBytes: number): Promise<void> {
    const { desired, reported } = record
    if (reported.epoch >= desired.epoch) return
    const text = describeRefusal(desired, size, usedBytes)
    await answer(record, desired.epoch, { detail: text })
    await context.refused(record, text)
  }

  /** One that ended meanwhile has said its last word: how it ended. */
  async function answer(record: InstanceRecord, epoch: number, facts: Partial<Reported>): Promise<void> {
    const before = record.reported
    if (before.state === 'stopped' || before.state === 'failed') return
    record.reported = { ...before, ...facts, epoch }
    records.save(record)
    if (!isSame(before, record.reported)) await context.report(record.desired.id, record.reported)
  }

  function adjust(record: InstanceRecord): Promise<void> {
    const before = underWay.get(record) ?? Promise.resolve()
    const next = before
      .then(() => bring(record))
      .catch((error: unknown) => log.warn('limits not changed', { instance: record.desired.id, error }))
    underWay.set(record, next)
    return next
  }

  return {
    shareOf,
    adjust,
    async settle(all) {
      const shares = sharesOf(context.wishes())
      for (const [tenant, share] of shares) await context.hold(tenant, share)
      const lagging = all.filter(({ applied, desired }) => {
        const share = shares.get(desired.tenantId)
        return applied !== null && share !== undefined && !isSame(applied, limitsOf(desired, share))
      })
      await Promise.all(lagging.map(adjust))
    },
  }
}

/** What a sandbox is held to when it is as desired. */
export const limitsOf = ({ size, ceilings, paused }: Desired, share: TenantShare): Limits => ({
  size,
  ceilings,
  paused,
  tenantCpuMilli: share.cpuMilli,
})

export const appliedOf = ({ size: { memoryMb, cpuMilli }, paused }: Limits): Applied => ({ memoryMb, cpuMilli, paused })

const describeRefusal = (desired: Desired, has: Resources, usedBytes: number): string =>
  `${processName(desired)} keeps its ${has.memoryMb} MB of memory: it uses ${Math.ceil(usedBytes / 1024 / 1024)} MB now, more than the ${desired.size.memoryMb} MB that it was to get.`

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
