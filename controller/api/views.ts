/** Records as the API shows them. What is not named here (secrets, ids of users, digests) is not shown. */
import type {
  AccessView,
  AppView,
  DeployView,
  AutomaticView,
  DomainView,
  EventView,
  HostView,
  InstanceView,
  ReleaseView,
  RoutingView,
  RunView,
  ShownBuildSettings,
  TenantView,
} from '#core/contract/api.ts'
import type { App, BuildSettings } from '#core/domain/app.ts'
import { addressText, challengeName, type Domain } from '#core/domain/domain.ts'
import type { AppEvent } from '#core/domain/event.ts'
import { addCapacity, nothingReserved, reservedBy, type Capacity, type Host } from '#core/domain/host.ts'
import { appliedTo, isUpToDate, processName, type Instance } from '#core/domain/instance.ts'
import { suspensionOf, type Plan, type Tenant } from '#core/domain/quota.ts'
import { isOver, sameTarget, type Deploy, type Release, type Resizing, type Rollout } from '#core/domain/release.ts'
import type { AccessRules } from '#core/domain/route.ts'
import type { Run } from '#core/domain/run.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

/** @param tenant whose the app is */
export function appView(app: App, tenant: Tenant | null, urls: { url: string; gitUrl: string }): AppView {
  return {
    id: app.id,
    name: app.name,
    tenant: app.tenantId,
    ...urls,
    createdAt: iso(app.createdAt),
    formation: definedOf(app.formation),
    release: app.current?.release ?? null,
    rollout: app.rollout && {
      release: app.rollout.target.release,
      state: app.rollout.state,
      detail: rolloutDetail(app.rollout),
    },
    paused: app.paused && { at: iso(app.paused.at), by: app.paused.by },
    suspended: (tenant && suspensionOf(tenant)?.reason) ?? null,
    build: showBuildSettings(app.build),
  }
}

/** @param certificate where the one for its host stands; null: while it carries no traffic */
export function domainView(domain: Domain, certificate: AutomaticView | null): DomainView {
  const { host, path, state, verified, check } = domain
  return {
    address: addressText(domain),
    host,
    path,
    state,
    createdAt: iso(domain.createdAt),
    verified: verified && { at: iso(verified.at), by: verified.by },
    challenge: state === 'verified' ? null : { type: 'TXT', name: challengeName(host), value: domain.token },
    check: check && { at: iso(check.at), problem: check.problem, nextAt: iso(check.nextAt) },
    certificate,
  }
}

export function routingView({ routing }: App): RoutingView {
  const { access: _access, quota: _quota, ...settings } = routing
  return settings
}

export const accessView = ({ allow, users }: AccessRules): AccessView => ({
  allow,
  users: users.map(({ name }) => name),
})

function rolloutDetail(rollout: Rollout): string {
  switch (rollout.state) {
    case 'rolling':
      return rollout.waitingFor
    case 'failed':
      return rollout.reason
    case 'done':
      return ''
  }
}

/** @param deploy the deploy that made the release, if it is still known */
export function releaseView(app: App, release: Release, deploy: Deploy | null, codeGone: boolean): ReleaseView {
  return {
    version: release.version,
    description: release.description,
    actor: release.actor,
    createdAt: iso(release.createdAt),
    commit: release.commit,
    subject: release.subject ?? null,
    current: app.current?.release === release.version,
    codeGone,
    status: releaseStatus(app, release.version, deploy),
    sizes: null,
    buildpack: release.slug.buildpack,
    runtimes: release.slug.runtimes,
    processes: definedOf(release.slug.processes),
    configNames: Object.keys(release.config).sort(),
  }
}

/** @param newest whether no later one took its place; releases of code do not */
export function resizingView(resizing: Resizing, newest: boolean): ReleaseView {
  const sizes = Object.entries(resizing.formation).flatMap(([type, process]) =>
    process ? [[type, { memoryMb: process.size.memoryMb, cpuMilli: process.size.cpuMilli }] as const] : [],
  )
  return {
    version: resizing.version,
    description: resizing.description,
    actor: resizing.actor,
    createdAt: iso(resizing.createdAt),
    commit: null,
    subject: null,
    current: false,
    codeGone: false,
    status: newest ? 'live' : 'superseded',
    sizes: Object.fromEntries(sizes),
    buildpack: null,
    runtimes: [],
    processes: {},
    configNames: [],
  }
}

export function releaseStatus(app: App, version: number, deploy: Deploy | null): ReleaseView['status'] {
  if (app.current?.release === version) return 'live'
  const rollout = app.rollout?.target.release === version ? app.rollout : null
  if (rollout?.state === 'failed' || deploy?.state === 'failed' || deploy?.state === 'cancelled') return 'failed'
  // A release whose command still runs is to become the target.
  if (deploy && !isOver(deploy) && version > (app.target?.release ?? 0)) return 'rolling'
  const isTarget = app.target?.release === version
  // Between the release being made and the reconciler's first look at it there is no rollout of it yet.
  return isTarget && (rollout === null || rollout.state === 'rolling') ? 'rolling' : 'superseded'
}

/** The newest target did not make it, and the release before it serves. */
export const targetFailed = (app: App): boolean =>
  app.rollout?.state === 'failed' && sameTarget(app.rollout.target, app.target)

export function deployView(deploy: Deploy): DeployView {
  return {
    id: deploy.id,
    kind: deploy.kind,
    state: deploy.state,
    description: deploy.description,
    actor: deploy.actor,
    createdAt: iso(deploy.createdAt),
    endedAt: deploy.endedAt === null ? null : iso(deploy.endedAt),
    commit: deploy.commit,
    subject: deploy.subject ?? null,
    release: deploy.release,
    error: deploy.error,
    phases: deploy.phases,
  }
}

/**
 * @param liveHosts ids of the hosts whose lease holds
 * @param requestsPerSecond see answeredPerSecond
 * @param requests in all; null: routers ask it nothing. Left out where it is not told
 */
export function instanceView(
  instance: Instance,
  liveHosts: Set<string>,
  requestsPerSecond: number | null,
  requests?: number | null,
): InstanceView {
  const { desired, reported, stats } = instance
  return {
    id: desired.id,
    name: processName(desired),
    app: desired.appName,
    tenant: desired.tenantId,
    process: desired.processType,
    release: desired.release,
    host: desired.hostId,
    state: liveHosts.has(desired.hostId) ? (reported?.state ?? 'pending') : 'lost',
    intent: desired.intent,
    since: iso(reported?.since ?? desired.since),
    restarts: reported?.restarts ?? 0,
    reason: reported?.reason ?? null,
    detail: reported?.detail ?? null,
    memoryMb: desired.size.memoryMb,
    cpuMilli: desired.size.cpuMilli,
    applied: appliedTo(instance),
    upToDate: isUpToDate(instance),
    cpuMilliUsed: stats?.cpuMilli ?? null,
    memoryBytesUsed: stats?.memoryBytes ?? null,
    requestsPerSecond,
    ...(requests === undefined ? {} : { requests }),
    diskMb: desired.size.diskMb,
    diskBytesUsed: stats?.diskBytes ?? null,
    startedMs: reported?.startedMs ?? null,
    readyMs: reported?.readyMs ?? null,
    once: desired.once !== null,
  }
}

export function runView(app: Pick<App, 'name'>, run: Run): RunView {
  return {
    id: run.id,
    name: processName(run),
    app: app.name,
    command: run.command,
    release: run.release,
    state: run.end ? 'ended' : run.host === null ? 'waiting' : 'placed',
    host: run.host,
    actor: run.actor,
    job: run.cron?.job ?? null,
    createdAt: iso(run.createdAt),
    timeoutSeconds: run.timeoutMs / 1000,
    memoryMb: run.size.memoryMb,
    cpuMilli: run.size.cpuMilli,
    end: run.end && { ...run.end, at: iso(run.end.at) },
  }
}

export const byName = (a: InstanceView, b: InstanceView): number =>
  a.app.localeCompare(b.app) || a.name.localeCompare(b.name, 'en', { numeric: true }) || a.release - b.release

export function hostView(host: Host, instances: Instance[]): HostView {
  const here = instances.filter(({ desired }) => desired.hostId === host.id)
  return showHost(host, here.map(reservedBy).reduce(addCapacity, nothingReserved))
}

export const showHost = (host: Host, reserved: Capacity): HostView => ({ ...host, disk: host.disk ?? null, reserved })

export const eventView = ({ at, ...event }: AppEvent): EventView => ({ at: iso(at), ...event })

export function tenantView(tenant: Tenant, plan: Plan): TenantView {
  const { id, createdAt, requestRate, cpus, egress } = tenant
  const suspension = suspensionOf(tenant)
  return {
    id,
    createdAt: iso(createdAt),
    plan: plan.name,
    requestRate: requestRate ?? plan.requestRate,
    traffic: { ...plan.traffic, ...tenant.traffic },
    cpus,
    egress,
    suspended: suspension && { ...suspension, at: iso(suspension.at) },
  }
}

const definedOf = <T>(record: Partial<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter((entry): entry is [string, T] => entry[1] !== undefined))

export const showBuildSettings = ({ buildpacks, root, branch }: BuildSettings): ShownBuildSettings => ({
  buildpacks,
  root,
  branch,
})
