/** What Berth sends to where somebody said: drains, webhooks; and alerts. Nobody in this world delivers what is queued. */
import type { Operations } from '#core/contract/operations/index.ts'
import type { Visit } from './visit.ts'

const drains: Visit[] = [
  {
    route: 'POST /apps/:app/drains',
    body: { url: 'https://logs.example.com/in', token: 'secret' },
    keep: ({ id }) => ({ drain: id }),
  },
  { route: 'GET /apps/:app/drains' },
  { route: 'DELETE /apps/:app/drains/:drain' },
  { route: 'POST /drains', body: { url: 'syslog+tls://logs.example.com:6514' }, keep: ({ id }) => ({ drain: id }) },
  { route: 'GET /drains' },
  { route: 'DELETE /drains/:drain' },
]

function webhooksOf(path: '/apps/:app/webhooks' | '/tenants/:tenant/webhooks' | '/webhooks'): Visit[] {
  const one = `${path}/:webhook` as const
  const visits: (Omit<Visit, 'route'> & { route: string })[] = [
    // The world's settings allow this address, and with it plain HTTP.
    { route: `POST ${path}`, body: { url: 'http://127.0.0.1:9/hook' }, keep: ({ id }) => ({ webhook: id }) },
    { route: `GET ${path}` },
    { route: `GET ${one}` },
    { route: `PATCH ${one}`, body: { events: ['deploy.*'] } },
    { route: `POST ${one}/rotate` },
    { route: `POST ${one}/test`, keep: ({ id }) => ({ delivery: id }) },
    { route: `GET ${one}/deliveries` },
    { route: `GET ${one}/deliveries/:delivery` },
    { route: `POST ${one}/deliveries/:delivery/redeliver` },
    { route: `DELETE ${one}` },
  ]
  return visits.map((visit) => ({ ...visit, route: visit.route as keyof Operations }))
}

const aRule = { rules: { memory: { on: true, limit: 80, forSeconds: 60 } } }
const alerts: Visit[] = [
  { route: 'PATCH /alerts', body: { ...aRule, mute: { kind: 'slow', until: '2999-01-01T00:00:00Z' } } },
  { route: 'GET /alerts/rules' },
  { route: 'GET /alerts', query: '?n=5' },
  { route: 'PATCH /tenants/:tenant/alerts', body: { mail: [] } },
  { route: 'GET /tenants/:tenant/alerts/rules' },
  { route: 'GET /tenants/:tenant/alerts' },
  { route: 'PATCH /apps/:app/alerts', body: aRule },
  { route: 'GET /apps/:app/alerts/rules' },
  { route: 'GET /apps/:app/alerts' },
]

export const outbound: Visit[] = [
  ...drains,
  ...webhooksOf('/apps/:app/webhooks'),
  ...webhooksOf('/tenants/:tenant/webhooks'),
  ...webhooksOf('/webhooks'),
  ...alerts,
]
