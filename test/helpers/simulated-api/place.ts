/**
 * A whole place, made up: hosts, tenants, apps and what runs, with the views of the API's own contract. The same seed makes the
 * same place. For pictures of the console, its tests and its benchmark; nothing of it is a stand-in for Berth itself.
 */
import type {
  AppView,
  DeployView,
  EventView,
  HostView,
  InstanceView,
  PlanView,
  ReleaseView,
  TenantView,
} from '#core/contract/api.ts'
import type { AlertView } from '#core/contract/alerts.ts'
import type { TrafficView } from '#core/contract/live.ts'
import { createChance, type Chance } from './chance.ts'
import { appSeeds, hostNames, people, planSeeds, tenantSeeds, type AppSeed } from './seeds.ts'

export type Place = {
  now: number
  chance: Chance
  hosts: HostView[]
  tenants: TenantView[]
  plans: PlanView[]
  apps: AppView[]
  instances: InstanceView[]
  deploys: (DeployView & { app: string })[]
  events: (EventView & { app: string })[]
  traffic: TrafficView[]
  alerts: AlertView[]
  /** By app. */
  releases: Map<string, ReleaseView[]>
  config: Map<string, Record<string, string>>
  /** Hosts that their doctor has not looked at. */
  unexamined: Set<string>
}

type Size = { hosts: number; apps: number; instancesOfEach?: number }

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const GIB = 1024 ** 3

/** @param size left out: a place of a size that one may look at; else as large as it says */
export function makePlace(now: number, size?: Size): Place {
  const chance = createChance(26)
  const place: Place = {
    now,
    chance,
    hosts: (size ? count(size.hosts).map((n) => `host-${n + 1}`) : hostNames).map((id, index) =>
      makeHost(id, index, now, chance),
    ),
    tenants: [],
    plans: planSeeds,
    apps: [],
    instances: [],
    deploys: [],
    events: [],
    traffic: [],
    alerts: [],
    releases: new Map(),
    config: new Map(),
    unexamined: new Set(),
  }
  place.tenants = tenantSeeds.map(({ id, plan }, index) => makeTenant(id, plan, now - (40 + index * 9) * 24 * HOUR))
  const seeds = size ? count(size.apps).map((n) => numbered(n, size.instancesOfEach ?? 1)) : appSeeds
  for (const seed of seeds) addApp(place, seed)
  place.events.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  for (const host of place.hosts) weigh(place, host)
  return place
}

const numbered = (n: number, web: number): AppSeed => ({
  name: `app-${String(n + 1).padStart(4, '0')}`,
  tenant: tenantSeeds[n % tenantSeeds.length]?.id ?? 'acme',
  web,
  requestsPerSecond: n % 40,
  language: 'Node.js',
})

function makeHost(id: string, index: number, now: number, chance: Chance): HostView {
  const large = index % 3 === 0
  const stack = {
    name: 'debian-13-20261101-1',
    digest: null,
    bytes: 61_200_000,
    debian: '13.2',
    builtAt: now - 20 * 24 * HOUR,
  }
  return {
    id,
    hostname: `${id}.example.net`,
    capacity: {
      memoryMb: large ? 16_384 : 8_192,
      cpuMilli: large ? 8_000 : 4_000,
      diskMb: large ? 61_440 : 40_960,
      slots: 512,
    },
    stack: stack.name,
    stacks: [stack],
    version: '0.9.2',
    cgroup: 'v2',
    startedAt: now - (3 + index) * 24 * HOUR,
    cpuMilliUsed: Math.round((large ? 8_000 : 4_000) * (0.14 + chance.next() * 0.5)),
    memoryMbUsed: 2048,
    disk: {
      usedBytes: Math.round((large ? 61 : 40) * GIB * (0.2 + chance.next() * 0.4)),
      totalBytes: (large ? 61 : 40) * GIB,
    },
    live: true,
    cordoned: false,
    reserved: { memoryMb: 0, cpuMilli: 0, diskMb: 0, slots: 0 },
  }
}

const makeTenant = (id: string, plan: string, createdAt: number): TenantView => {
  const found = planSeeds.find(({ name }) => name === plan) as PlanView
  return {
    id,
    createdAt: new Date(createdAt).toISOString(),
    plan,
    requestRate: found.requestRate,
    traffic: found.traffic,
    cpus: null,
    egress: { allow: [], deny: [] },
    suspended: null,
  }
}

/** An app with its history: releases, deploys, what runs, what happened. */
export function addApp(place: Place, seed: AppSeed): AppView {
  const { now, chance } = place
  const { name, tenant, web, worker = 0, release = 4 + chance.below(40) } = seed
  const size = { memoryMb: seed.memoryMb ?? 256, cpuMilli: 500, pids: 256, diskMb: 1024 }
  const app = {
    id: `a-${name}`,
    name,
    tenant,
    url: `https://${name}.berth.example`,
    gitUrl: `https://console.berth.example/git/${name}.git`,
    createdAt: new Date(now - 30 * 24 * HOUR).toISOString(),
    formation: {
      web: { count: web, size },
      ...(worker > 0 ? { worker: { count: worker, size: { ...size, memoryMb: 512 } } } : {}),
    },
    release,
    rollout: null,
    paused: null,
    suspended: null,
    build: { buildpacks: [], root: null, branch: null },
  } as AppView
  place.apps.push(app)
  place.releases.set(name, makeReleases(place, app, seed))
  place.config.set(name, {
    DATABASE_URL: `postgres://${name}:s3cr3t-of-${name}@db.internal:5432/${name}`,
    LOG_LEVEL: 'info',
    SESSION_SECRET: 'kX2vP0qLr8sT',
    SMTP_HOST: 'smtp.example.net',
  })
  for (let n = 1; n <= web; n++)
    place.instances.push({
      ...makeInstance(place, app, 'web', n, size.memoryMb),
      requestsPerSecond: seed.requestsPerSecond / web,
    })
  for (let n = 1; n <= worker; n++) place.instances.push(makeInstance(place, app, 'worker', n, 512))
  place.traffic.push(makeTraffic(place, app, seed.requestsPerSecond))
  makeHistory(place, app)
  return app
}

function makeReleases({ now, chance }: Place, app: AppView, seed: AppSeed): ReleaseView[] {
  const newest = app.release ?? 0
  return count(Math.min(newest, 9)).map((back) => {
    const version = newest - back
    const isConfig = back % 4 === 2
    const codeVersion = isConfig ? version - 1 : version
    const commit = commitOf(app.name, codeVersion)
    return {
      version,
      description: isConfig ? 'Set LOG_LEVEL' : `Deploy ${commit.slice(0, 7)}`,
      actor: people[(version + app.name.length) % people.length] ?? 'ana',
      createdAt: new Date(now - back * 7 * HOUR - (4 + chance.below(50) + app.name.length * 3) * MINUTE).toISOString(),
      commit,
      subject: messages[(codeVersion + app.name.length) % messages.length] ?? null,
      current: back === 0,
      codeGone: back > 7,
      status: back === 0 ? 'live' : back === 3 ? 'failed' : 'superseded',
      sizes: null,
      buildpack: seed.language === 'Python' ? 'python' : seed.language === 'Go' ? 'go' : 'nodejs',
      runtimes: [
        {
          name: seed.language === 'Python' ? 'python' : seed.language === 'Go' ? 'go' : 'node',
          version: back > 4 ? '24.9.0' : '26.10.0',
        },
      ],
      processes: {
        web: back > 2 ? 'node server.js' : 'node --enable-source-maps server.js',
        ...(seed.worker ? { worker: 'node worker.js' } : {}),
      },
      configNames: ['DATABASE_URL', ...(back > 3 ? [] : ['LOG_LEVEL']), 'SESSION_SECRET', 'SMTP_HOST'],
    }
  })
}

const messages = [
  'Show the delivery date in the basket',
  'Retry webhooks that time out',
  'Cache product images for a day',
  'Fix the rounding of totals in CHF',
  'Move sessions out of the process',
  'Upgrade to Fastify 6',
  'Rate limit the password form',
  'Send receipts as plain text, too',
]

export function commitOf(name: string, version: number): string {
  let hash = version * 2654435761
  for (const letter of name) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0
  return (hash >>> 0).toString(16).padStart(8, '0').repeat(5)
}

export function makeInstance(place: Place, app: AppView, process: string, n: number, memoryMb: number): InstanceView {
  const { chance, hosts, now } = place
  const host = hosts[place.instances.length % hosts.length]
  return {
    id: `i-${app.name}-${process}-${n}-${chance.below(1e9)}`,
    name: `${process}.${n}`,
    app: app.name,
    tenant: app.tenant,
    process,
    release: app.release ?? 1,
    host: host?.id ?? 'host-1',
    state: 'running',
    intent: 'run',
    since: new Date(now - chance.below(30) * HOUR - chance.below(50) * MINUTE).toISOString(),
    restarts: chance.below(12) === 0 ? 1 : 0,
    reason: null,
    detail: null,
    memoryMb,
    cpuMilli: 500,
    applied: { memoryMb, cpuMilli: 500, paused: false },
    upToDate: true,
    cpuMilliUsed: Math.round(20 + chance.next() * 180),
    memoryBytesUsed: Math.round(memoryMb * 1024 ** 2 * (0.3 + chance.next() * 0.35)),
    requestsPerSecond: process === 'web' ? 0 : null,
    diskMb: 1024,
    diskBytesUsed: (3 + chance.below(180)) * 1024 ** 2,
    startedMs: 31,
    readyMs: 104 + chance.below(400),
    once: false,
  }
}

const makeTraffic = ({ chance }: Place, app: AppView, requestsPerSecond: number): TrafficView => ({
  app: app.name,
  tenant: app.tenant,
  requestsPerSecond,
  errorsPerSecond: Math.round(requestsPerSecond * 0.002 * chance.next() * 100) / 100,
  p50Ms: requestsPerSecond === 0 ? null : 4 + chance.below(20),
  p95Ms: requestsPerSecond === 0 ? null : 38 + chance.below(130),
  bytesInPerSecond: requestsPerSecond * 900,
  bytesOutPerSecond: requestsPerSecond * 14_200,
})

function makeHistory(place: Place, app: AppView): void {
  const { now } = place
  const releases = (place.releases.get(app.name) ?? []).slice(0, 5)
  const ended = Date.parse(releases[0]?.createdAt ?? new Date(now).toISOString())
  for (const release of releases.reverse()) place.deploys.push(makeDeploy(app, Date.parse(release.createdAt), release))
  const event = (ago: number, kind: EventView['kind'], text: string, process: string | null = null) =>
    place.events.push({
      at: new Date(ended + ago).toISOString(),
      kind,
      process,
      instance: null,
      host: null,
      release: app.release,
      actor: null,
      text,
      lastOutput: [],
      app: app.name,
    })
  event(-1200, 'started', `is started on ${place.hosts[0]?.id ?? 'a host'}.`, 'web.1')
  event(-300, 'ready', 'answers after 0.3 s.', 'web.1')
  event(0, 'released', `Release v${app.release} serves.`)
}

export const makeDeploy = (
  app: AppView,
  endedAt: number,
  release: ReleaseView | undefined,
): DeployView & { app: string } => ({
  id: `d-${app.name}-${release?.version ?? 0}`,
  app: app.name,
  kind: 'push',
  state: release?.status === 'failed' ? 'failed' : 'succeeded',
  description: release?.description ?? 'Deploy',
  actor: release?.actor ?? 'ana',
  createdAt: new Date(endedAt - 9400).toISOString(),
  endedAt: new Date(endedAt).toISOString(),
  commit: release?.commit ?? null,
  subject: release?.subject ?? null,
  release: release?.version ?? app.release,
  error: release?.status === 'failed' ? 'web did not answer GET /healthz within 60 s; v45 goes on serving.' : null,
  phases: [
    { name: 'detect', ms: 90 },
    { name: 'install', ms: 4120 },
    { name: 'build', ms: 2380 },
    { name: 'pack', ms: 640 },
    { name: 'start', ms: 520 },
    { name: 'rollout', ms: 1610 },
  ],
})

/** What is promised of a host, and what is used of it, follows from what runs there. */
export function weigh({ instances }: Place, host: HostView): void {
  const here = instances.filter((instance) => instance.host === host.id && instance.state !== 'stopped')
  const sum = (of: (instance: InstanceView) => number): number =>
    here.reduce((total, instance) => total + of(instance), 0)
  host.reserved = {
    memoryMb: sum(({ memoryMb }) => memoryMb),
    cpuMilli: sum(({ cpuMilli }) => cpuMilli),
    diskMb: here.length * 1024,
    slots: here.length,
  }
  host.memoryMbUsed = Math.round(1400 + sum(({ memoryBytesUsed }) => (memoryBytesUsed ?? 0) / 1024 ** 2))
}

export const count = (n: number): number[] => Array.from({ length: n }, (_, index) => index)
