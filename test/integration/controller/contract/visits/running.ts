/** What runs, and what it said, did and used. */
import type { Visit } from './visit.ts'

export const running: Visit[] = [
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
  { route: 'GET /apps/:app/logs', accept: 'text/event-stream' },
  { route: 'GET /apps/:app/events', query: '?n=10' },
  { route: 'GET /apps/:app/usage', query: '?by=day' },
  { route: 'GET /tenants/:tenant/usage' },
  { route: 'GET /usage' },
  { route: 'GET /apps/:app/metrics', query: '?range=24h' },
  { route: 'GET /tenants/:tenant/metrics' },
  { route: 'GET /hosts/:host/metrics' },
  { route: 'GET /metrics' },
  { route: 'GET /live', query: '?topics=apps' },
]
