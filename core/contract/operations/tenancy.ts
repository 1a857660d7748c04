/** Tenants and plans, and SSH keys. */
import { createPlan, createTenant, patchPlan, patchTenant, suspendTenant } from '../api.ts'
import { addSshKey } from '../ssh.ts'
import type { Operations } from './operation.ts'

export const tenancyOperations: Operations = {
  'GET /tenants': { summary: 'List the tenants', need: 'platform:read' },
  'POST /tenants': { summary: 'Make a tenant', need: 'platform:write', body: createTenant, status: 201 },
  'GET /tenants/:tenant': { summary: 'Show a tenant', need: 'tenant:read' },
  'PATCH /tenants/:tenant': { summary: "Change a tenant's plan and limits", need: 'tenant:operate', body: patchTenant },
  'POST /tenants/:tenant/suspend': { summary: 'Suspend a tenant', need: 'tenant:operate', body: suspendTenant },
  'POST /tenants/:tenant/resume': { summary: 'Resume a tenant', need: 'tenant:operate' },
  'GET /plans': { summary: 'List the plans', need: 'platform:read' },
  'POST /plans': { summary: 'Make a plan', need: 'platform:write', body: createPlan, status: 201 },
  'GET /plans/:plan': { summary: 'Show a plan', need: 'platform:read' },
  'PATCH /plans/:plan': { summary: 'Change a plan', need: 'platform:write', body: patchPlan },
  'DELETE /plans/:plan': { summary: 'Destroy a plan that nobody has', need: 'platform:write', status: 204 },
  'GET /ssh': { summary: 'Show the door for git over SSH', need: 'anyone:read' },
  'GET /keys': { summary: 'List SSH keys', need: 'anyone:read' },
  'POST /keys': { summary: 'Add an SSH key', need: 'anyone:write', body: addSshKey, status: 201 },
  'DELETE /keys/:key': { summary: 'Remove an SSH key', need: 'anyone:write', status: 204 },
}
