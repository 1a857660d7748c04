/** An app and its settings. */
import { z } from 'zod'
import {
  createApp,
  patchBuild,
  patchChecks,
  patchConfig,
  patchFormation,
  patchQuota,
  pageQuery,
} from '../bodies/index.ts'
import {
  appView,
  appsView,
  buildSettingsView,
  checksView,
  configView,
  deployAccepted,
  formationAnswer,
  quotaView,
  taken,
} from '../views/index.ts'
import type { Operations } from './operation.ts'

export const appOperations = {
  'GET /apps': { summary: 'List the apps that you may see', need: 'anyone:read', query: pageQuery, answer: appsView },
  'POST /apps': { summary: 'Make an app', need: 'anyone:write', answer: appView, body: createApp, status: 201 },
  'GET /apps/:app': { summary: 'Show an app', need: 'app:read', answer: appView },
  'DELETE /apps/:app': {
    summary: 'Destroy an app and all that belongs to it',
    need: 'app:write',
    query: z.object({ confirm: z.string() }),
    status: 204,
  },
  'GET /apps/:app/formation': {
    summary: 'Show how many instances run, and their sizes',
    need: 'app:read',
    tagged: true,
    answer: formationAnswer,
  },
  'PATCH /apps/:app/formation': {
    summary: 'Scale or resize',
    need: 'app:write',
    tagged: true,
    answer: formationAnswer,
    body: patchFormation,
  },
  'GET /apps/:app/config': { summary: 'Show the config vars', need: 'app:write', tagged: true, answer: configView },
  'PATCH /apps/:app/config': {
    summary: 'Set and unset config vars',
    need: 'app:write',
    tagged: true,
    answer: deployAccepted,
    otherwise: { status: 200, when: 'there is no release to make', answer: configView },
    body: patchConfig,
    status: 202,
  },
  'GET /apps/:app/build': {
    summary: 'Show how an app is built',
    need: 'app:read',
    tagged: true,
    answer: buildSettingsView,
  },
  'PATCH /apps/:app/build': {
    summary: 'Change how an app is built',
    need: 'app:write',
    tagged: true,
    answer: buildSettingsView,
    body: patchBuild,
  },
  'GET /apps/:app/checks': { summary: 'Show the health checks', need: 'app:read', tagged: true, answer: checksView },
  'PATCH /apps/:app/checks': {
    summary: 'Change the health checks',
    need: 'app:write',
    tagged: true,
    answer: checksView,
    body: patchChecks,
  },
  'GET /apps/:app/quota': {
    summary: "Show what an app may take of its tenant's traffic",
    need: 'app:read',
    tagged: true,
    answer: quotaView,
  },
  'PATCH /apps/:app/quota': {
    summary: "Limit what an app takes of its tenant's traffic",
    need: 'app:write',
    tagged: true,
    answer: quotaView,
    body: patchQuota,
  },
  'DELETE /apps/:app/quota': { summary: "Take an app's own limits back", need: 'app:write', status: 204 },
  'POST /apps/:app/pause': {
    summary: 'Stop an app until it is resumed',
    need: 'app:write',
    answer: taken,
    status: 202,
  },
  'POST /apps/:app/resume': { summary: 'Let a paused app run again', need: 'app:write', answer: taken, status: 202 },
  'POST /apps/:app/restart': {
    summary: 'Replace all instances, without downtime',
    need: 'app:write',
    answer: taken,
    status: 202,
  },
} satisfies Operations
