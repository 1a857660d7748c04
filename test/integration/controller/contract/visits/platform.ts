/** Tenants, tokens and keys; and the platform itself. */
import type { Visit } from './visit.ts'

export const tenancy: Visit[] = [
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

export const platform: Visit[] = [
  { route: 'GET /hosts' },
  { route: 'GET /instances' },
  { route: 'POST /stacks', body: {}, keep: ({ name }) => ({ stack: name }) },
  { before: 'stackBuilt', route: 'GET /stacks/:stack/log' },
  { route: 'GET /stacks/:stack/log', accept: 'text/event-stream' },
  { route: 'GET /stacks' },
  { route: 'GET /stacks/:stack' },
  { route: 'PATCH /stacks', body: { use: 'debian-13-0123456789ab' } },
  { route: 'DELETE /stacks/:stack' },
  { route: 'POST /hosts/:host/cordon' },
  { route: 'POST /hosts/:host/uncordon' },
  { route: 'GET /hosts/:host/doctor' },
  { route: 'POST /hosts', body: { host: 'host-new' } },
  { route: 'POST /hosts/:host/revoke', names: { host: 'host-gone' } },
  { route: 'DELETE /hosts/:host', names: { host: 'host-gone' } },
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

export const tools: Visit[] = [
  { route: 'GET /version' },
  { route: 'GET /templates' },
  { route: 'GET /templates/:template' },
  { route: 'GET /audit', query: '?limit=10' },
  { route: 'GET /audit/head' },
  { route: 'GET /audit/export' },
  { route: 'GET /backup' },
]
