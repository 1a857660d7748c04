/**
 * One successful call of every operation, in an order in which each can succeed. Names in paths are taken from what the world
 * was made with, and from what earlier answers were kept as. An operation that is not in here fails the test.
 */
import type { Operations } from '#core/contract/operations/index.ts'

export type Names = Record<string, string>
type Json = Record<string, unknown>
/** What an answer holds, as far as a visit looks at it. */
export type Seen = { id: string; name: string; address: string; deploy: { id: string } }

export type Visit = {
  route: keyof Operations
  /** Instead of what the names say. */
  names?: Names
  query?: string
  body?: Json | ((names: Names) => Json)
  /** For a body that is not JSON: a file of the world. */
  file?: 'source' | 'slug' | 'downloaded'
  /** What of the answer later visits name. */
  keep?: (seen: Seen) => Names
  /** What happens outside of the API before the call. */
  before?: 'stackBuilt' | 'deploysWait' | 'deploysGoLive'
}

const apps: Visit[] = [
  { route: 'GET /whoami' },
  { route: 'GET /apps' },
  { route: 'POST /apps', body: { name: 'other' } },
  { route: 'GET /apps/:app' },
  { route: 'GET /apps/:app/formation' },
  { route: 'PATCH /apps/:app/formation', body: { web: { count: 2, memoryMb: 256 } } },
  { route: 'PATCH /apps/:app/config', body: { COLOUR: 'red' } },
  { route: 'GET /apps/:app/config' },
  { route: 'PATCH /apps/:app/build', body: { root: 'web', buildpacks: ['node'] } },
  { route: 'GET /apps/:app/build' },
  { route: 'PATCH /apps/:app/checks', body: { processes: { web: { path: '/healthz' } }, autoRollback: false } },
  { route: 'GET /apps/:app/checks' },
  { route: 'PATCH /apps/:app/quota', body: { concurrent: 10, requests: { perSecond: 5, burst: 10 } } },
  { route: 'GET /apps/:app/quota' },
  { route: 'DELETE /apps/:app/quota' },
  { route: 'POST /apps/:app/pause' },
  { route: 'POST /apps/:app/resume' },
  { route: 'POST /apps/:app/restart' },
]

const code: Visit[] = [
  {
    route: 'POST /apps/:app/source',
    query: '?message=A%20folder',
    file: 'source',
    keep: ({ deploy }) => ({ build: deploy.id, deploy: deploy.id }),
  },
  { route: 'GET /apps/:app/builds' },
  { route: 'GET /apps/:app/builds/:build' },
  { route: 'GET /apps/:app/builds/:build/output', query: '?tail=true' },
  { route: 'GET /apps/:app/deploys' },
  { route: 'GET /apps/:app/deploys/:deploy' },
  { route: 'GET /apps/:app/deploys/:deploy/log' },
  { route: 'GET /apps/:app/releases' },
  { route: 'GET /apps/:app/releases/:version' },
  { route: 'POST /apps/:app/rollback', body: { release: 1 } },
  { route: 'GET /apps/:app/slugs' },
  { route: 'GET /apps/:app/slugs/:release/file' },
  { route: 'POST /apps/:app/slugs/file', file: 'downloaded' },
  { route: 'POST /apps/:app/slugs/adopt', names: { app: 'other' }, body: { from: 'shop' } },
  {
    before: 'deploysWait',
    route: 'POST /apps/:app/source',
    file: 'source',
    keep: ({ deploy }) => ({ build: deploy.id }),
  },
  { route: 'POST /apps/:app/builds/:build/cancel' },
  { before: 'deploysGoLive', route: 'DELETE /apps/:app/build-cache' },
]

const traffic: Visit[] = [
  { route: 'POST /apps/:app/domains', body: { address: 'shop.example' } },
  { route: 'POST /apps/:app/domains/:address/verify' },
  { route: 'GET /apps/:app/domains' },
  { route: 'POST /apps/:app/domains/:address/approve' },
  { route: 'GET /apps/:app/domains/:address' },
  { route: 'DELETE /apps/:app/domains/:address' },
  {
    route: 'POST /apps/:app/certificates',
    body: ({ chain = '', key = '' }) => ({ certificate: chain, key }),
    keep: ({ id }) => ({ certificate: id }),
  },
  { route: 'GET /apps/:app/certificates' },
  { route: 'GET /apps/:app/certificates/:certificate' },
  { route: 'DELETE /apps/:app/certificates/:certificate' },
  { route: 'POST /apps/:app/certificates/retry', body: { host: 'bad.test' } },
  { route: 'PATCH /apps/:app/routing', body: { sticky: true, concurrency: { soft: 5, hard: 10 } } },
  { route: 'GET /apps/:app/routing' },
  { route: 'DELETE /apps/:app/routing' },
  { route: 'PATCH /apps/:app/access', body: { add: ['10.0.0.0/8'] } },
  { route: 'POST /apps/:app/access/users', body: { name: 'ann', password: 'correct horse' } },
  { route: 'GET /apps/:app/access' },
  { route: 'DELETE /apps/:app/access/users/:user' },
  { route: 'DELETE /apps/:app/access' },
]

const running: Visit[] = [
  { route: 'GET /apps/:app/instances' },
  { route: 'POST /apps/:app/runs', body: { command: 'date' }, keep: ({ name }) => ({ run: name }) },
  { route: 'GET /apps/:app/runs' },
  { route: 'GET /apps/:app/runs/:run' },
  { route: 'POST /apps/:app/runs/:run/stop' },
  { route: 'GET /apps/:app/cron' },
  { route: 'GET /apps/:app/cron/:job' },
  { route: 'POST /apps/:app/cron/:job/run' },
  { route: 'POST /apps/:app/cron/:job/pause' },
  { route: 'POST /apps/:app/cron/:job/resume' },
  { route: 'GET /apps/:app/logs', query: '?n=10' },
  { route: 'GET /apps/:app/events', query: '?n=10' },
  { route: 'GET /apps/:app/usage', query: '?by=day' },
  { route: 'GET /tenants/:tenant/usage' },
  { route: 'GET /usage' },
]

const tenancy: Visit[] = [
  { route: 'POST /tenants', body: { id: 'acme' } },
  { route: 'GET /tenants' },
  { route: 'GET /tenants/:tenant' },
  { route: 'POST /plans', body: { name: 'small', memoryMb: 4096 } },
  { route: 'GET /plans' },
  { route: 'GET /plans/:plan' },
  { route: 'PATCH /plans/:plan', body: { memoryMb: 8192 } },
  { route: 'PATCH /tenants/:tenant', names: { tenant: 'acme' }, body: { egress: { deny: ['203.0.113.0/24'] } } },
  { route: 'POST /tenants/:tenant/suspend', names: { tenant: 'acme' }, body: { reason: 'unpaid' } },
  { route: 'POST /tenants/:tenant/resume', names: { tenant: 'acme' } },
  { route: 'DELETE /plans/:plan' },
  { route: 'POST /tokens', body: { description: 'for a robot' }, keep: ({ id }) => ({ token: id }) },
  { route: 'GET /tokens' },
  { route: 'DELETE /tokens/:token' },
  { route: 'GET /ssh' },
  { route: 'POST /keys', body: ({ publicKey = '' }) => ({ key: publicKey }), keep: ({ id }) => ({ key: id }) },
  { route: 'GET /keys' },
  { route: 'DELETE /keys/:key' },
]

const platform: Visit[] = [
  { route: 'GET /hosts' },
  { route: 'GET /instances' },
  { route: 'POST /stacks', body: {}, keep: ({ name }) => ({ stack: name }) },
  { before: 'stackBuilt', route: 'GET /stacks/:stack/log' },
  { route: 'GET /stacks' },
  { route: 'GET /stacks/:stack' },
  { route: 'PATCH /stacks', body: { use: 'debian-13-0123456789ab' } },
  { route: 'DELETE /stacks/:stack' },
  { route: 'POST /hosts/:host/cordon' },
  { route: 'POST /hosts/:host/uncordon' },
  {
    route: 'POST /certificates',
    body: ({ platformChain = '', platformKey = '' }) => ({ certificate: platformChain, key: platformKey }),
    keep: ({ id }) => ({ certificate: id }),
  },
  { route: 'GET /certificates' },
  { route: 'GET /certificates/:certificate' },
  { route: 'DELETE /certificates/:certificate' },
  { route: 'POST /certificates/retry', body: { host: '*.localhost' } },
]

const last: Visit[] = [{ route: 'DELETE /apps/:app', query: '?confirm=shop' }]

export const visits: Visit[] = [...apps, ...code, ...traffic, ...running, ...tenancy, ...platform, ...last]
