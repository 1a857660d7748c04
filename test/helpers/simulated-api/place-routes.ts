/** What the simulated API says of the platform, its tenants and people. */
import { Router, type Request } from 'express'
import type { TenantDetail } from '#core/contract/api.ts'
import type { DiagnosisView } from '#core/contract/hosts.ts'
import type { TokenView } from '#core/contract/identity.ts'
import { Refusal, type SimulatedApi } from './index.ts'
import { makeSeries } from './series.ts'
import { callerOf, queryOf } from './sessions.ts'

export function placeRoutes(api: SimulatedApi): Router {
  const { place } = api
  const router = Router()
  const operators = (path: string, answer: (req: Request) => object): void => {
    router.get(path, (req, res) => {
      requireOperator(req)
      res.json(answer(req))
    })
  }
  const total = (tenant?: string): number =>
    place.traffic
      .filter((traffic) => tenant === undefined || traffic.tenant === tenant)
      .reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0)

  operators('/tenants', () => ({ tenants: place.tenants }))
  operators('/plans', () => ({ plans: place.plans }))
  operators('/stacks', () => stacksOf(place.hosts.length, place.instances.length))
  operators('/metrics', (req) => makeSeries('all', queryOf(req, 'range'), total(), place.instances.length, Date.now()))
  operators('/hosts/:host/doctor', (req) => {
    const host = String(req.params.host)
    return place.unexamined.has(host) ? { host, at: null, findings: [] } : diagnosisOf(host)
  })
  router.get('/tenants/:tenant', (req, res) => res.json(tenantDetail(req, api)))
  router.get('/tenants/:tenant/metrics', (req, res) => {
    const { id } = tenantDetail(req, api)
    res.json(makeSeries(id, queryOf(req, 'range'), total(id), 12, Date.now()))
  })
  router.get(['/tenants/:tenant/members', '/tenants/:tenant/invitations'], (req, _res, next) => {
    tenantDetail(req, api)
    next()
  })
  router.post('/tenants/:tenant/suspend', (req, res) => {
    requireOperator(req)
    const tenant = place.tenants.find(({ id }) => id === req.params.tenant)
    if (tenant)
      tenant.suspended = { at: ago(0), by: callerOf(req).name, reason: (req.body as { reason: string }).reason }
    res.json(tenant ?? {})
  })
  for (const cordoned of [true, false])
    router.post(`/hosts/:host/${cordoned ? 'cordon' : 'uncordon'}`, (req, res) => {
      requireOperator(req)
      const host = place.hosts.find(({ id }) => id === req.params.host)
      if (!host) throw new Refusal(404, 'NOT_FOUND', 'There is no such host.')
      host.cordoned = cordoned
      api.tell('hosts', [host])
      res.json(host)
    })
  router.get('/templates', (_req, res) => res.json({ templates }))
  router.get('/ssh', (_req, res) =>
    res.json({ enabled: true, port: 2222, fingerprint: 'SHA256:abc', hostKey: 'ssh-ed25519 AAAA' }),
  )
  router.get('/keys', (_req, res) => res.json({ keys: [] }))
  router.get('/tokens', (_req, res) => res.json({ tokens }))
  router.get('/audit', (req, res) => res.json({ entries: auditOf(req), next: null }))
  return router
}

const diagnosisOf = (host: string): DiagnosisView => ({
  host,
  at: ago(0.4),
  findings: [
    {
      check: 'Swap',
      verdict: 'advice',
      found: 'Swap is on.',
      why: 'An instance near its memory limit is slowed down instead of ended.',
      remedy: 'swapoff -a',
    },
    { check: 'Cgroups', verdict: 'ok', found: 'Version 2, with all controllers.', why: '', remedy: null },
    { check: 'OCI runtime', verdict: 'ok', found: 'crun 1.21.', why: '', remedy: null },
    { check: 'Clock', verdict: 'ok', found: 'It is kept right by chrony.', why: '', remedy: null },
  ],
})

export function requireOperator(req: Request): void {
  if (!callerOf(req).operator) throw new Refusal(403, 'FORBIDDEN', "This needs an operator's token.")
}

function ago(hours: number): string {
  return new Date(Date.now() - hours * 3_600_000).toISOString()
}

function tenantDetail(req: Request, { place }: SimulatedApi): TenantDetail {
  const { operator, memberships } = callerOf(req)
  const tenant = place.tenants.find(({ id }) => id === req.params.tenant)
  if (!tenant || (!operator && !memberships.some((membership) => membership.tenant === tenant.id)))
    throw new Refusal(404, 'NOT_FOUND', `There is no tenant ${String(req.params.tenant)}.`)
  const limits = place.plans.find(({ name }) => name === tenant.plan)
  if (!limits) throw new Refusal(500, 'INTERNAL', 'The plan is gone.')
  const mine = place.instances.filter((instance) => instance.tenant === tenant.id)
  return {
    ...tenant,
    limits,
    promised: {
      apps: place.apps.filter((app) => app.tenant === tenant.id).length,
      instances: mine.length,
      memoryMb: mine.reduce((sum, { memoryMb }) => sum + memoryMb, 0),
      diskMb: mine.length * 1024,
    },
    budget: {
      month: new Date().toISOString().slice(0, 7),
      cpuSeconds: (limits.budget.cpuSeconds ?? 1e6) * 0.62,
      egressBytes: (limits.budget.egressBytes ?? 1e12) * 0.34,
      requests: 48_213_090,
      alert: null,
      requestAlert: null,
    },
  }
}

const stacksOf = (hosts: number, instances: number): object => {
  const names = Array.from({ length: hosts }, (_, index) => `h${index}`)
  const stack = (name: string, state: string, inUse: boolean, here: number, days: number): object => ({
    name,
    state,
    own: false,
    inUse,
    debian: '13.2',
    digest: 'f'.repeat(64),
    bytes: 61_200_000,
    builtAt: ago(days * 24),
    builtOn: 'fra-1',
    instances: here,
    hosts: names,
    error: null,
  })
  return {
    current: 'debian-13-20261115-1',
    previous: 'debian-13-20261101-1',
    instances,
    onCurrent: instances - 6,
    stacks: [
      stack('debian-13-20261115-1', 'built', true, instances - 6, 6),
      stack('debian-13-20261101-1', 'built', false, 6, 20),
      stack('debian-13-20261018-1', 'built', false, 0, 34),
    ],
  }
}

const tokens: TokenView[] = [
  {
    id: 't-ci',
    description: 'CI of the shop',
    tenant: 'northwind',
    operator: false,
    role: 'member',
    app: 'shop',
    readOnly: false,
    user: null,
    createdAt: ago(300),
    expiresAt: null,
    lastUsedAt: ago(0.2),
  },
  {
    id: 't-ops',
    description: 'Backup script',
    tenant: null,
    operator: true,
    role: 'owner',
    app: null,
    readOnly: true,
    user: null,
    createdAt: ago(2000),
    expiresAt: ago(-900),
    lastUsedAt: ago(9),
  },
]

const templates = [
  {
    name: 'node-http',
    title: 'Node.js HTTP',
    summary: 'A small server, without a framework.',
    language: 'Node.js',
    processes: ['web'],
  },
  {
    name: 'python-flask',
    title: 'Flask',
    summary: 'A page and a JSON endpoint, served by gunicorn.',
    language: 'Python',
    processes: ['web'],
  },
  {
    name: 'go-http',
    title: 'Go HTTP',
    summary: 'One binary, from the standard library alone.',
    language: 'Go',
    processes: ['web'],
  },
  {
    name: 'static',
    title: 'Static site',
    summary: 'Files, with compression and caching set up.',
    language: 'Static',
    processes: ['web'],
  },
]

const operations: [
  string,
  string,
  string | null,
  string | null,
  { field: string; before: unknown; after: unknown }[],
  string,
][] = [
  [
    'ana@northwind.example',
    'PATCH /apps/shop/formation',
    'northwind',
    'shop',
    [{ field: 'web.count', before: 4, after: 6 }],
    '203.0.113.7',
  ],
  [
    'mei@kestrel.example',
    'git push',
    'kestrel',
    'flights',
    [{ field: 'main', before: '91c2e0a4', after: '4be07d11' }],
    '198.51.100.20',
  ],
  [
    'operator',
    'POST /hosts/hel-2/cordon',
    null,
    null,
    [{ field: 'cordoned', before: false, after: true }],
    '192.0.2.4',
  ],
  ['jonas@northwind.example', 'DELETE /apps/receipts', 'northwind', 'receipts', [], '203.0.113.9'],
  [
    'sam@lighthouse.example',
    'PATCH /apps/beacon-api/config',
    'lighthouse',
    'beacon-api',
    [{ field: 'LOG_LEVEL', before: 'info', after: 'debug' }],
    '198.51.100.81',
  ],
]

const auditOf = (req: Request): object[] => {
  const wanted = typeof req.query.actor === 'string' ? req.query.actor : ''
  return Array.from({ length: 24 }, (_, index) => {
    const [name, operation, tenant, app, changes, address] = operations[index % operations.length] ?? [
      '',
      '',
      null,
      null,
      [],
      '',
    ]
    const refused = operation.startsWith('DELETE')
    return {
      seq: 9000 - index,
      at: ago(index * 1.7 + 0.1),
      operation,
      requestId: `r${index}`,
      actor: { kind: name === 'operator' ? 'operator' : 'member', name, tokenId: null, userId: null },
      tenant,
      app,
      target: {},
      asked: [],
      changes,
      from: { address, agent: 'berth-cli/0.9.2' },
      result: refused ? { status: 403, code: 'FORBIDDEN' } : { status: 200, code: null },
      unrecorded: 0,
    }
  }).filter(({ actor }) => actor.name.includes(wanted))
}
