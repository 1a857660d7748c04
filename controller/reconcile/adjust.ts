/** What changes about instances while they run: their limits, as the formation and their tenant's plan have them, and a pause. */
import type { App } from '#core/domain/app.ts'
import type { InstanceId } from '#core/domain/ids.ts'
import type { Desired, Instance } from '#core/domain/instance.ts'
import { openEgress, shareOf, type TenantShare } from '#core/domain/quota.ts'
import { WEB } from '#core/domain/release.ts'
import type { Ceilings, Resources } from '#core/domain/resources.ts'
import { DRAIN_TIMEOUT_MS } from './retire.ts'
import { hasEnded, isUnrouted, planOfTenant, type World } from './world.ts'

/**
 * The instances that are not as they should be, as they should be; the epoch is the one that was read.
 * @param instances those of the app that stay
 * @param resized sizes of those that get another one
 */
export function adjust(
  world: World,
  app: App,
  instances: Instance[],
  resized: ReadonlyMap<InstanceId, Resources> = new Map(),
): Desired[] {
  const terms = termsOf(world, app)
  return instances.flatMap((instance) => {
    const { desired, reported } = instance
    if (desired.intent === 'stop' || hasEnded(reported) || world.lost.has(desired.hostId)) return []
    const size = resized.get(desired.id) ?? desired.size
    const next = { ...desired, ...terms, size, paused: shouldPause(world, app, instance) }
    return sameLimits(next, desired) ? [] : [next]
  })
}

/** An instance is frozen when no request is under way in it: what routers still send there would hang. */
function shouldPause(world: World, { paused }: App, { desired, reported }: Instance): boolean {
  if (paused === null || desired.intent !== 'run') return false
  if (desired.paused) return true
  if (reported?.state !== 'running') return false
  return desired.processType !== WEB || isUnrouted(world, desired.id) || world.now - paused.at >= DRAIN_TIMEOUT_MS
}

export type Terms = { ceilings: Ceilings; share: TenantShare }

/** What its tenant's plan says of each instance of an app. */
export function termsOf(world: World, { tenantId }: App): Terms {
  const plan = planOfTenant(world, tenantId)
  const tenant = world.tenantById.get(tenantId) ?? { cpus: null, egress: openEgress }
  return { ceilings: plan.ceilings, share: shareOf(tenant, plan) }
}

export const sameSize = (a: Resources, b: Resources): boolean =>
  a.memoryMb === b.memoryMb && a.cpuMilli === b.cpuMilli && a.pids === b.pids && a.diskMb === b.diskMb

const sameLimits = (a: Desired, b: Desired): boolean =>
  a.paused === b.paused &&
  sameSize(a.size, b.size) &&
  JSON.stringify([a.ceilings, a.share]) === JSON.stringify([b.ceilings, b.share])
