/** How requests reach an app: domains, certificates, routing and who may come in. */
import {
  addAccessUser,
  addCertificate,
  addDomain,
  patchAccess,
  patchRouting,
  retryCertificate,
} from '../bodies/index.ts'
import {
  accessView,
  automaticView,
  certificateAdded,
  certificateView,
  certificatesView,
  domainView,
  domainsView,
  routingView,
} from '../views/index.ts'
import type { Operations } from './operation.ts'

export const trafficOperations = {
  'GET /apps/:app/domains': { summary: "List an app's domains", need: 'app:read', answer: domainsView },
  'POST /apps/:app/domains': {
    summary: 'Claim a domain',
    need: 'app:write',
    answer: domainView,
    body: addDomain,
    status: 201,
  },
  'GET /apps/:app/domains/:address': { summary: 'Show a domain', need: 'app:read', answer: domainView },
  'DELETE /apps/:app/domains/:address': { summary: 'Give a domain up', need: 'app:write', status: 204 },
  'POST /apps/:app/domains/:address/verify': { summary: 'Look into DNS now', need: 'app:write', answer: domainView },
  'POST /apps/:app/domains/:address/approve': {
    summary: 'Take a domain as verified',
    need: 'app:operate',
    answer: domainView,
  },
  'GET /apps/:app/certificates': { summary: "List an app's certificates", need: 'app:read', answer: certificatesView },
  'POST /apps/:app/certificates': {
    summary: 'Bring a certificate',
    need: 'app:write',
    answer: certificateAdded,
    body: addCertificate,
    status: 201,
  },
  'POST /apps/:app/certificates/retry': {
    summary: 'Ask for an automatic certificate again',
    need: 'app:write',
    answer: automaticView,
    body: retryCertificate,
    status: 202,
  },
  'GET /apps/:app/certificates/:certificate': {
    summary: 'Show a certificate',
    need: 'app:read',
    answer: certificateView,
  },
  'DELETE /apps/:app/certificates/:certificate': { summary: 'Remove a certificate', need: 'app:write', status: 204 },
  'GET /apps/:app/routing': {
    summary: 'Show how requests are routed',
    need: 'app:read',
    tagged: true,
    answer: routingView,
  },
  'PATCH /apps/:app/routing': {
    summary: 'Change how requests are routed',
    need: 'app:write',
    tagged: true,
    answer: routingView,
    body: patchRouting,
  },
  'DELETE /apps/:app/routing': { summary: 'Route requests as for every app', need: 'app:write', answer: routingView },
  'GET /apps/:app/access': { summary: 'Show who may reach an app', need: 'app:read', tagged: true, answer: accessView },
  'PATCH /apps/:app/access': {
    summary: 'Change which addresses may reach an app',
    need: 'app:write',
    tagged: true,
    answer: accessView,
    body: patchAccess,
  },
  'DELETE /apps/:app/access': { summary: 'Let everybody reach an app', need: 'app:write', answer: accessView },
  'POST /apps/:app/access/users': {
    summary: 'Let a name with a password in',
    need: 'app:write',
    answer: accessView,
    body: addAccessUser,
    status: 201,
  },
  'DELETE /apps/:app/access/users/:user': { summary: 'Let a name in no more', need: 'app:write', status: 204 },
} satisfies Operations
