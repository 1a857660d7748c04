/** What runs, and what it said, did and used. */
import { createRun, eventQuery, runQuery, usageQuery, pageQuery } from '../bodies/index.ts'
import { logLine, logQuery } from '../logs.ts'
import {
  allUsageView,
  cronJobView,
  cronView,
  eventsView,
  instancesView,
  runView,
  runsView,
  tenantUsageView,
  usageView,
} from '../views/index.ts'
import type { Operations } from './operation.ts'

export const runningOperations = {
  'GET /apps/:app/instances': {
    summary: "List an app's instances",
    need: 'app:read',
    query: pageQuery,
    answer: instancesView,
  },
  'GET /apps/:app/runs': {
    summary: 'List the commands that ran once',
    need: 'app:read',
    answer: runsView,
    query: runQuery,
  },
  'POST /apps/:app/runs': {
    summary: 'Run a command once',
    need: 'app:write',
    answer: runView,
    body: createRun,
    status: 201,
  },
  'GET /apps/:app/runs/:run': { summary: 'Show a run', need: 'app:read', answer: runView },
  'POST /apps/:app/runs/:run/stop': { summary: 'Stop a run', need: 'app:write', answer: runView, status: 202 },
  'GET /apps/:app/cron': { summary: 'List the jobs by the clock', need: 'app:read', answer: cronView },
  'GET /apps/:app/cron/:job': { summary: 'Show a job by the clock', need: 'app:read', answer: cronJobView },
  'POST /apps/:app/cron/:job/run': { summary: 'Run a job now', need: 'app:write', answer: runView, status: 201 },
  'POST /apps/:app/cron/:job/pause': { summary: 'Pause a job', need: 'app:write', answer: cronJobView },
  'POST /apps/:app/cron/:job/resume': { summary: 'Let a paused job run again', need: 'app:write', answer: cronJobView },
  'GET /apps/:app/logs': {
    summary: 'Read or follow the logs',
    need: 'app:read',
    answer: logLine,
    query: logQuery,
    media: 'application/x-ndjson',
    orEvents: true,
  },
  'GET /apps/:app/events': {
    summary: 'List what happened to an app',
    need: 'app:read',
    answer: eventsView,
    query: eventQuery,
  },
  'GET /apps/:app/usage': { summary: 'Show what an app used', need: 'app:read', answer: usageView, query: usageQuery },
  'GET /tenants/:tenant/usage': {
    summary: 'Show what a tenant used',
    need: 'tenant:read',
    answer: tenantUsageView,
    query: usageQuery,
  },
  'GET /usage': {
    summary: 'Show what all tenants used that you may see',
    need: 'anyone:read',
    answer: allUsageView,
    query: usageQuery,
  },
} satisfies Operations
