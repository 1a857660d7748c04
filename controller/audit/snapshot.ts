/** What an operation may change, as the audit log may show it: looked at before and after. Nothing secret, config vars by name. */
import { changesBetween, namesChanged, type AuditChange, type Snapshot } from '#core/domain/audit.ts'
import type { App } from '#core/domain/app.ts'
import { addressText } from '#core/domain/domain.ts'
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { loadApp } from '#core/store/apps.ts'
import type { PlanName } from '#core/domain/quota.ts'
import type { Store } from '#core/store/connection.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadPlans } from '#core/store/plans.ts'
import { loadStackChoice } from '#core/store/stacks.ts'
import { loadTenant } from '#core/store/tenants.ts'

/** What an operation's path names, as far as it has a state that is worth comparing. */
export type Subject = {
  appId: AppId | null
  tenantId: TenantId | null
  host: string | null
  plan: string | null
  stacks: boolean
}

export type Look = { fields: Snapshot | null; secrets: Record<string, string> }

const nothing: Look = { fields: null, secrets: {} }

export async function lookAt(subject: Subject, store: Store): Promise<Look> {
  if (subject.appId !== null) return ofApp(await loadApp(store, subject.appId))
  if (subject.tenantId !== null) {
    const tenant = await loadTenant(store, subject.tenantId)
    return { fields: tenant && { ...tenant }, secrets: {} }
  }
  if (subject.host !== null) {
    const host = (await loadHosts(store)).find(({ id }) => id === subject.host)
    return { fields: host ? { cordoned: host.cordoned } : null, secrets: {} }
  }
  if (subject.plan !== null) {
    const plan = (await loadPlans(store)).get(subject.plan as PlanName)
    return { fields: plan ? { ...plan } : null, secrets: {} }
  }
  return subject.stacks ? { fields: { choice: await loadStackChoice(store) }, secrets: {} } : nothing
}

/** What else an app's record holds is written by the platform, or is in the list here for a reason that changed: add it. */
function ofApp(app: App | null): Look {
  if (app === null) return nothing
  const { name, tenantId, formation, target, paused, quota, routing, build, checks, autoRollback } = app
  const fields = {
    name,
    tenantId,
    formation,
    release: target?.release ?? null,
    paused: paused !== null,
    quota,
    routing,
    build,
    checks,
    autoRollback,
    domains: app.domains.map(addressText),
  }
  return { fields, secrets: app.config }
}

export function compare(before: Look, after: Look): AuditChange[] {
  const named = namesChanged(before.secrets, after.secrets)
  return [
    ...changesBetween(before.fields, after.fields),
    ...Object.entries(named).map(([name, said]) => ({
      field: `config.${name}`,
      before: said === 'added' ? null : '[secret]',
      after: said === 'removed' ? null : '[secret]',
    })),
  ]
}
