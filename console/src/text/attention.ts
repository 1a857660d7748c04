/** What somebody should look at first, worst first: alerts that fire, and what the states themselves say. */
import type { AlertView } from '../../../core/contract/alerts.ts'
import type { AppView, HostView, InstanceView } from '../../../core/contract/api.ts'
import { alertWord, type Tone } from './words.ts'
import { plural } from './format.ts'

export type Concern = { key: string; tone: Tone; what: string; text: string; href: string; since: string | null }

type Known = { alerts: AlertView[]; hosts: HostView[]; apps: AppView[]; instances: InstanceView[] }

const CRASHES = 3
const weights: Record<Tone, number> = { bad: 0, busy: 1, idle: 2, good: 3 }

export function findConcerns({ alerts, hosts, apps, instances }: Known): Concern[] {
  const firing = alerts.filter(({ state }) => state === 'firing').map(ofAlert)
  const told = new Set(firing.flatMap(({ href }) => [href, `${href}/instances`]))
  const seen = [...hosts.flatMap(ofHost), ...apps.flatMap(ofApp), ...ofInstances(instances)]
  // What an alert tells of already is not told twice.
  const concerns = [...firing, ...seen.filter(({ href }) => !told.has(href))]
  return concerns.sort((a, b) => weights[a.tone] - weights[b.tone])
}

const severe = new Set<string>(['errorRate', 'crashLoop', 'hostLost', 'forgedJob'])

function ofAlert({ id, kind, app, tenant, host, since, text }: AlertView): Concern {
  const tone = severe.has(kind) ? 'bad' : 'busy'
  const href = app !== null ? appPath(app) : host !== null ? hostPath(host) : tenant !== null ? tenantPath(tenant) : '/'
  return { key: `alert ${id}`, tone, what: alertWord(kind), text, href, since }
}

function ofHost(host: HostView): Concern[] {
  const href = hostPath(host.id)
  if (!host.live)
    return [
      concern('bad', 'Host lost', `${host.id} has not renewed its lease; its instances are placed elsewhere.`, href),
    ]
  const share = host.memoryMbUsed / host.capacity.memoryMb
  if (share < 0.93) return []
  return [concern('busy', 'Memory', `${host.id} has ${Math.round(share * 100)} % of its memory in use.`, href)]
}

function ofApp(app: AppView): Concern[] {
  const href = appPath(app.name)
  if (app.suspended !== null) return [concern('busy', 'Suspended', `${app.name} does not run: ${app.suspended}.`, href)]
  if (app.rollout?.state !== 'failed') return []
  return [concern('bad', 'Release failed', `${app.name} v${app.rollout.release}: ${app.rollout.detail}`, href)]
}

/** One for each app, whatever the number of its instances. */
function ofInstances(instances: InstanceView[]): Concern[] {
  const broken = new Map<string, InstanceView[]>()
  for (const instance of instances) {
    const crashes = instance.state === 'starting' && instance.restarts >= CRASHES
    if (instance.once || (instance.state !== 'failed' && !crashes)) continue
    broken.set(instance.app, [...(broken.get(instance.app) ?? []), instance])
  }
  return [...broken].map(([app, of]) => {
    const first = of[0]
    const why = first?.detail ?? 'It does not stay up.'
    return concern('bad', 'Crashing', `${plural(of.length, 'instance')} of ${app}: ${why}`, `${appPath(app)}/instances`)
  })
}

const concern = (tone: Tone, what: string, text: string, href: string): Concern => ({
  key: `${what} ${href}`,
  tone,
  what,
  text,
  href,
  since: null,
})

export const appPath = (name: string): string => `/apps/${encodeURIComponent(name)}`
export const hostPath = (id: string): string => `/hosts/${encodeURIComponent(id)}`
export const tenantPath = (id: string): string => `/tenants/${encodeURIComponent(id)}`
