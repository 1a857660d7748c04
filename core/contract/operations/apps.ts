/** An app and its settings. */
import { z } from 'zod'
import { createApp, patchBuild, patchChecks, patchConfig, patchFormation, patchQuota } from '../api.ts'
import type { Operations } from './operation.ts'

export const appOperations: Operations = {
  'GET /apps': { summary: 'List the apps that you may see', need: 'anyone:read' },
  'POST /apps': { summary: 'Make an app', need: 'anyone:write', body: createApp, status: 201 },
  'GET /apps/:app': { summary: 'Show an app', need: 'app:read' },
  'DELETE /apps/:app': {
    summary: 'Destroy an app and all that belongs to it',
    need: 'app:write',
    query: z.object({ confirm: z.string() }),
    status: 204,
  },
  'GET /apps/:app/formation': { summary: 'Show how many instances run, and their sizes', need: 'app:read' },
  'PATCH /apps/:app/formation': { summary: 'Scale or resize', need: 'app:write', body: patchFormation },
  'GET /apps/:app/config': { summary: 'Show the config vars', need: 'app:write' },
  'PATCH /apps/:app/config': {
    summary: 'Set and unset config vars',
    need: 'app:write',
    body: patchConfig,
    status: 202,
  },
  'GET /apps/:app/build': { summary: 'Show how an app is built', need: 'app:read' },
  'PATCH /apps/:app/build': { summary: 'Change how an app is built', need: 'app:write', body: patchBuild },
  'GET /apps/:app/checks': { summary: 'Show the health checks', need: 'app:read' },
  'PATCH /apps/:app/checks': { summary: 'Change the health checks', need: 'app:write', body: patchChecks },
  'GET /apps/:app/quota': { summary: "Show what an app may take of its tenant's traffic", need: 'app:read' },
  'PATCH /apps/:app/quota': {
    summary: "Limit what an app takes of its tenant's traffic",
    need: 'app:write',
    body: patchQuota,
  },
  'DELETE /apps/:app/quota': { summary: "Take an app's own limits back", need: 'app:write', status: 204 },
  'POST /apps/:app/pause': { summary: 'Stop an app until it is resumed', need: 'app:write', status: 202 },
  'POST /apps/:app/resume': { summary: 'Let a paused app run again', need: 'app:write', status: 202 },
  'POST /apps/:app/restart': { summary: 'Replace all instances, without downtime', need: 'app:write', status: 202 },
}
