/** What the simulated API says of an app and does with it. */
import { Router, type Request, type Response } from 'express'
import type { AppView, DeployView, PatchFormation } from '#core/contract/api.ts'
import { Refusal, type SimulatedApi } from './index.ts'
import { jobRoutes } from './job-routes.ts'
import { addApp, makeInstance, weigh } from './place.ts'
import { makeSeries } from './series.ts'
import { callerOf, queryOf } from './sessions.ts'

export function appRoutes(api: SimulatedApi, stopping: AbortSignal): Router {
  const { place } = api
  const router = Router()
  const read = (path: string, answer: (app: AppView, req: Request) => object): void => {
    router.get(path, (req, res) => res.json(answer(appOf(req, api, 'read'), req)))
  }
  const write = (
    method: 'post' | 'patch' | 'delete',
    path: string,
    act: (app: AppView, req: Request, res: Response) => void,
  ): void => {
    router[method](path, (req, res) => act(appOf(req, api, 'write'), req, res))
  }

  read('/apps/:app', (app) => app)
  read('/apps/:app/releases', ({ name }) => ({ releases: place.releases.get(name) ?? [] }))
  read('/apps/:app/releases/:version', ({ name }, req) => {
    const release = place.releases.get(name)?.find(({ version }) => String(version) === req.params.version)
    if (!release) throw new Refusal(404, 'NOT_FOUND', 'There is no such release.')
    return release
  })
  read('/apps/:app/deploys', ({ name }) => ({ deploys: place.deploys.filter(({ app }) => app === name).reverse() }))
  read('/apps/:app/deploys/:deploy', (_app, req) => deployOf(api, String(req.params.deploy)))
  read('/apps/:app/events', ({ name }) => ({ events: place.events.filter(({ app }) => app === name) }))
  read('/apps/:app/domains', (app) => ({ own: `${app.name}.berth.example`, domains: domainsOf(app) }))
  read('/apps/:app/certificates', (app) => ({ certificates: certificatesOf(app), automatic: [] }))
  read('/apps/:app/checks', ({ name, formation }) => ({
    app: name,
    autoRollback: true,
    checks: Object.keys(formation).map((process) => ({
      process,
      kind: process === 'web' ? 'http' : 'none',
      path: '/healthz',
      startTimeoutMs: 60_000,
      from: process === 'web' ? 'code' : 'default',
    })),
  }))
  read('/apps/:app/routing', () => ({
    protocol: 'http1',
    bodyLimitBytes: 10 * 1024 ** 2,
    firstByteMs: 30_000,
    idleMs: 60_000,
    concurrency: null,
    sticky: false,
    maintenance: false,
    forceHttps: true,
  }))
  read('/apps/:app/metrics', ({ name }, req) => {
    const traffic = place.traffic.find(({ app }) => app === name)
    const running = place.instances.filter(({ app }) => app === name).length
    return makeSeries(name, queryOf(req, 'range'), traffic?.requestsPerSecond ?? 0, running, Date.now())
  })
  router.get('/apps/:app/config', (req, res) =>
    res.json({ config: place.config.get(appOf(req, api, 'write').name) ?? {} }),
  )
  write('patch', '/apps/:app/config', (app, req, res) => {
    const config = { ...place.config.get(app.name) }
    for (const [name, value] of Object.entries(req.body as Record<string, string | null>)) {
      if (value === null) delete config[name]
      else config[name] = value
    }
    place.config.set(app.name, config)
    res
      .status(202)
      .json({ deploy: beginDeploy(api, app, 'config', `Set ${Object.keys(req.body as object).join(', ')}`) })
  })
  write('patch', '/apps/:app/formation', (app, req, res) => {
    scale(api, app, req.body as PatchFormation)
    res.json(app.formation)
  })
  write('post', '/apps/:app/rollback', (app, req, res) => {
    const { release } = req.body as { release: number }
    res.status(202).json({ deploy: beginDeploy(api, app, 'rollback', `Roll back to v${release}`) })
  })
  write('post', '/apps/:app/restart', (_app, _req, res) => void res.status(202).json({}))
  write('post', '/apps/:app/pause', (app, req, res) => {
    app.paused = { at: new Date().toISOString(), by: callerOf(req).name }
    api.tell('apps', [app])
    res.status(202).json(app)
  })
  write('post', '/apps/:app/resume', (app, _req, res) => {
    app.paused = null
    api.tell('apps', [app])
    res.status(202).json(app)
  })
  write('delete', '/apps/:app', (app, _req, res) => {
    place.apps.splice(place.apps.indexOf(app), 1)
    api.tell('apps', [], [app.id])
    res.status(204).end()
  })
  router.use(jobRoutes((req, act) => appOf(req, api, act)))
  router.get('/apps/:app/deploys/:deploy/log', (req, res) => followDeploy(api, req, res, stopping))
  router.post('/apps', (req, res) => {
    const { name = 'eager-otter', tenant = 'northwind' } = req.body as { name?: string; tenant?: string }
    const app = addApp(place, { name, tenant, web: 0, requestsPerSecond: 0, language: 'Node.js' })
    Object.assign(app, { release: null, formation: {} })
    place.deploys = place.deploys.filter((deploy) => deploy.app !== name)
    place.events = place.events.filter((event) => event.app !== name)
    api.tell('apps', [app])
    res.status(201).json(app)
  })
  return router
}

/** @throws Refusal 404 for what is hidden, 403 for what one may only look at */
export function appOf(req: Request, { place }: SimulatedApi, act: 'read' | 'write'): AppView {
  const { operator, memberships } = callerOf(req)
  const app = place.apps.find(({ name }) => name === req.params.app)
  const role = memberships.find(({ tenant }) => tenant === app?.tenant)?.role
  if (!app || (!operator && !role)) throw new Refusal(404, 'NOT_FOUND', `There is no app ${String(req.params.app)}.`)
  if (!operator && act === 'write' && role === 'viewer')
    throw new Refusal(403, 'FORBIDDEN', 'This needs a member of the tenant.')
  return app
}

function deployOf({ place }: SimulatedApi, id: string): DeployView & { app: string } {
  const deploy = place.deploys.find((candidate) => candidate.id === id)
  if (!deploy) throw new Refusal(404, 'NOT_FOUND', 'There is no such deploy.')
  return deploy
}

function beginDeploy(api: SimulatedApi, app: AppView, kind: DeployView['kind'], description: string): DeployView {
  const deploy: DeployView & { app: string } = {
    id: `d-${app.name}-${kind}-${api.place.deploys.length}`,
    app: app.name,
    kind,
    state: 'rolling',
    description,
    actor: 'ana@northwind.example',
    createdAt: new Date().toISOString(),
    endedAt: null,
    commit: null,
    subject: null,
    release: (app.release ?? 0) + 1,
    error: null,
    phases: [],
  }
  api.place.deploys.push(deploy)
  api.tell('deploys', [deploy])
  return deploy
}

/** Ends a deploy as the platform does, for those who follow it. */
export function endDeploy(api: SimulatedApi, id: string, outcome: Partial<DeployView>): void {
  const deploy = deployOf(api, id)
  Object.assign(deploy, { endedAt: new Date().toISOString(), ...outcome })
  api.tell('deploys', [deploy])
}

function scale(api: SimulatedApi, app: AppView, patch: PatchFormation): void {
  const { place } = api
  for (const [type, { count }] of Object.entries(patch)) {
    const process = (app.formation as Record<string, { count: number; size: { memoryMb: number } }>)[type]
    if (!process || count === undefined) continue
    if (count > 50)
      throw new Refusal(
        422,
        'QUOTA_EXCEEDED',
        `${app.tenant} may have 50 instances by its plan, and would have ${count}.`,
      )
    process.count = count
    const mine = place.instances.filter((instance) => instance.app === app.name && instance.process === type)
    for (const instance of mine.slice(count)) {
      place.instances.splice(place.instances.indexOf(instance), 1)
      api.tell('instances', [], [instance.id])
    }
    for (let n = mine.length + 1; n <= count; n++) {
      const instance = makeInstance(place, app, type, n, process.size.memoryMb)
      place.instances.push(instance)
      api.tell('instances', [instance])
    }
  }
  for (const host of place.hosts) weigh(place, host)
  api.tell('apps', [app])
  api.tell('hosts', place.hosts)
}

async function followDeploy(api: SimulatedApi, req: Request, res: Response, stopping: AbortSignal): Promise<void> {
  const { id } = deployOf(api, String(req.params.deploy))
  res.status(200).type('application/x-ndjson')
  for (const line of buildOutput) res.write(`${JSON.stringify({ line })}\n`)
  while (!stopping.aborted && !res.destroyed) {
    const deploy = deployOf(api, id)
    if (deploy.endedAt !== null) {
      res.write(`${JSON.stringify({ end: deploy })}\n`)
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  res.end()
}

const buildOutput = [
  '\u001b[1m-----> Source received: 214 files, 1.4 MiB\u001b[0m',
  '       package.json and package-lock.json: the nodejs buildpack builds it',
  '\u001b[1m-----> Node.js 26.10.0\u001b[0m (engines.node is ">=26")',
  '\u001b[1m-----> Installing dependencies\u001b[0m (npm ci)',
  '       added 214 packages in 3s',
  '       \u001b[33mnpm warn deprecated inflight@1.0.6: this module leaks memory\u001b[0m',
  '\u001b[1m-----> Building\u001b[0m (npm run build)',
  '       vite v8.3.8 building for production...',
  '       \u001b[32m✓\u001b[0m 318 modules transformed.',
  '       dist/assets/index.js   142.10 kB │ gzip: 44.02 kB',
  '\u001b[1m-----> Packing\u001b[0m: dependencies 38.2 MiB (as before), app 2.1 MiB',
  '\u001b[1m-----> Release v118\u001b[0m',
  '       web.1 … web.5 serve it; web.6 is starting',
]

const DAY = 86_400_000

/** The one that its verified domain has. */
const certificatesOf = (app: AppView): object[] =>
  app.name !== 'shop'
    ? []
    : [
        {
          id: 'c1',
          source: 'acme',
          app: app.name,
          names: ['www.northwind.example'],
          hosts: ['www.northwind.example'],
          issuer: "Let's Encrypt",
          serial: '04b1',
          fingerprint: '7f3a9c1e5d20',
          keyType: 'ec P-256',
          validFrom: new Date(Date.now() - 20 * DAY).toISOString(),
          validTo: new Date(Date.now() + 70 * DAY).toISOString(),
          addedAt: new Date(Date.now() - 20 * DAY).toISOString(),
          addedBy: 'berth',
        },
      ]

const domainsOf = (app: AppView): object[] =>
  app.name !== 'shop'
    ? []
    : [
        {
          address: 'www.northwind.example',
          host: 'www.northwind.example',
          path: '/',
          state: 'verified',
          createdAt: app.createdAt,
          verified: { at: app.createdAt, by: 'dns' },
          challenge: null,
          check: null,
          certificate: {
            host: 'www.northwind.example',
            state: 'issued',
            certificate: 'c1',
            nextAt: null,
            failures: 0,
            problem: null,
          },
        },
        {
          address: 'shop.northwind.example',
          host: 'shop.northwind.example',
          path: '/',
          state: 'pending',
          createdAt: app.createdAt,
          verified: null,
          challenge: { type: 'TXT', name: '_berth.shop.northwind.example', value: 'berth-verify-7f3a9c1e5d20' },
          check: { at: app.createdAt, problem: 'No TXT record was found.', nextAt: app.createdAt },
          certificate: null,
        },
      ]
