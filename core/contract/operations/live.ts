/** What changes, and what changed. */
import { liveChangeView, liveQuery } from '../live.ts'
import { seriesQuery, seriesView } from '../series.ts'
import type { Operations } from './operation.ts'

export const liveOperations = {
  'GET /live': {
    summary: 'Follow what changes',
    need: 'anyone:read',
    query: liveQuery,
    answer: liveChangeView,
    media: 'text/event-stream',
  },
  'GET /apps/:app/metrics': {
    summary: "Show an app's time series",
    need: 'app:read',
    query: seriesQuery,
    answer: seriesView,
  },
  'GET /tenants/:tenant/metrics': {
    summary: "Show a tenant's time series",
    need: 'tenant:read',
    query: seriesQuery,
    answer: seriesView,
  },
  'GET /hosts/:host/metrics': {
    summary: "Show a host's time series",
    need: 'platform:read',
    query: seriesQuery,
    answer: seriesView,
  },
  'GET /metrics': {
    summary: "Show the platform's time series",
    need: 'platform:read',
    query: seriesQuery,
    answer: seriesView,
  },
} satisfies Operations
