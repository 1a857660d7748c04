/** The platform itself, for its operators. */
import { addCertificate, buildStack, changeStack, retryCertificate, pageQuery } from '../bodies/index.ts'
import {
  automaticView,
  certificateAdded,
  certificateView,
  certificatesView,
  hostView,
  hostsView,
  instancesView,
  stackLogLine,
  stackView,
  stacksView,
} from '../views/index.ts'
import type { Operations } from './operation.ts'

export const hostOperations = {
  'GET /hosts': { summary: 'List the hosts', need: 'platform:read', answer: hostsView },
  'POST /hosts/:host/cordon': { summary: 'Let a host take no new work', need: 'platform:write', answer: hostView },
  'POST /hosts/:host/uncordon': { summary: 'Let a host take work again', need: 'platform:write', answer: hostView },
  'GET /instances': {
    summary: "List all tenants' instances",
    need: 'platform:read',
    query: pageQuery,
    answer: instancesView,
  },
  'GET /stacks': { summary: 'List the stacks', need: 'platform:read', answer: stacksView },
  'POST /stacks': {
    summary: 'Build a stack',
    need: 'platform:write',
    answer: stackView,
    body: buildStack,
    status: 202,
  },
  'PATCH /stacks': {
    summary: 'Change the stack in use',
    need: 'platform:write',
    answer: stacksView,
    body: changeStack,
  },
  'GET /stacks/:stack': { summary: 'Show a stack', need: 'platform:read', answer: stackView },
  'DELETE /stacks/:stack': { summary: 'Destroy a stack that nothing uses', need: 'platform:write', status: 204 },
  'GET /stacks/:stack/log': {
    summary: 'Follow the making of a stack',
    need: 'platform:read',
    answer: stackLogLine,
    media: 'application/x-ndjson',
    orEvents: true,
  },
  'GET /certificates': { summary: "List the platform's certificates", need: 'platform:read', answer: certificatesView },
  'POST /certificates': {
    summary: "Bring the platform's certificate",
    need: 'platform:write',
    answer: certificateAdded,
    body: addCertificate,
    status: 201,
  },
  'POST /certificates/retry': {
    summary: 'Ask for an automatic certificate again',
    need: 'platform:write',
    answer: automaticView,
    body: retryCertificate,
    status: 202,
  },
  'GET /certificates/:certificate': {
    summary: 'Show a certificate of the platform',
    need: 'platform:read',
    answer: certificateView,
  },
  'DELETE /certificates/:certificate': {
    summary: 'Remove a certificate of the platform',
    need: 'platform:write',
    status: 204,
  },
} satisfies Operations
