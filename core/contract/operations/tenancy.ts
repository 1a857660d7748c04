/** Tenants and plans, and SSH keys. */
import { createPlan, createTenant, patchPlan, patchTenant, suspendTenant, pageQuery } from '../bodies/index.ts'
import { addSshKey, sshKeyView, sshKeysView, sshView } from '../ssh.ts'
import { planView, plansView, tenantDetail, tenantsView } from '../views/index.ts'
import type { Operations } from './operation.ts'

export const tenancyOperations = {
  'GET /tenants': { summary: 'List the tenants', need: 'platform:read', query: pageQuery, answer: tenantsView },
  'POST /tenants': {
    summary: 'Make a tenant',
    need: 'platform:write',
    answer: tenantDetail,
    body: createTenant,
    status: 201,
  },
  'GET /tenants/:tenant': { summary: 'Show a tenant', need: 'tenant:read', answer: tenantDetail },
  'PATCH /tenants/:tenant': {
    summary: "Change a tenant's plan and limits",
    need: 'tenant:operate',
    answer: tenantDetail,
    body: patchTenant,
  },
  'POST /tenants/:tenant/suspend': {
    summary: 'Suspend a tenant',
    need: 'tenant:operate',
    answer: tenantDetail,
    body: suspendTenant,
  },
  'POST /tenants/:tenant/resume': { summary: 'Resume a tenant', need: 'tenant:operate', answer: tenantDetail },
  'GET /plans': { summary: 'List the plans', need: 'platform:read', answer: plansView },
  'POST /plans': { summary: 'Make a plan', need: 'platform:write', answer: planView, body: createPlan, status: 201 },
  'GET /plans/:plan': { summary: 'Show a plan', need: 'platform:read', answer: planView },
  'PATCH /plans/:plan': { summary: 'Change a plan', need: 'platform:write', answer: planView, body: patchPlan },
  'DELETE /plans/:plan': { summary: 'Destroy a plan that nobody has', need: 'platform:write', status: 204 },
  'GET /ssh': { summary: 'Show the door for git over SSH', need: 'anyone:read', answer: sshView },
  'GET /keys': { summary: 'List SSH keys', need: 'anyone:read', answer: sshKeysView },
  'POST /keys': { summary: 'Add an SSH key', need: 'anyone:write', answer: sshKeyView, body: addSshKey, status: 201 },
  'DELETE /keys/:key': { summary: 'Remove an SSH key', need: 'anyone:write', status: 204 },
} satisfies Operations
