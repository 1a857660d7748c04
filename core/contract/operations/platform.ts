/** Operating the platform: who did what, its backup, and hosts that go. */
import { auditExportLine, auditExportQuery, auditHeadView, auditQuery, auditView } from '../audit.ts'
import { addHost, joinTokenView } from '../enrolment.ts'
import { diagnosisView } from '../hosts.ts'
import type { Operations } from './operation.ts'

export const platformOperations = {
  'GET /audit': { summary: 'Show who did what', need: 'anyone:read', query: auditQuery, answer: auditView },
  'GET /audit/head': { summary: 'Show where the audit log stands', need: 'platform:read', answer: auditHeadView },
  'GET /audit/export': {
    summary: 'Save the audit log with its chain',
    need: 'platform:read',
    query: auditExportQuery,
    answer: auditExportLine,
    media: 'application/x-ndjson',
  },
  'POST /hosts': {
    summary: 'Make a join token, by which a machine becomes a host',
    need: 'platform:write',
    body: addHost,
    answer: joinTokenView,
    status: 201,
  },
  'POST /hosts/:host/revoke': {
    summary: 'End the certificate of a host at once, and move off what runs there',
    need: 'platform:write',
    status: 204,
  },
  'GET /hosts/:host/doctor': { summary: 'Show whether a host is fit', need: 'platform:read', answer: diagnosisView },
  'DELETE /hosts/:host': { summary: 'Forget a host that is gone', need: 'platform:write', status: 204 },
  'GET /backup': { summary: 'Back everything up', need: 'platform:write', media: 'application/octet-stream' },
} satisfies Operations
