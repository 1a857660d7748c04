/** Refuses what could not take effect: changes of what runs, of an app that is paused or whose tenant is suspended. */
import type { App } from '#core/domain/app.ts'
import { appPaused, tenantSuspended } from '#core/domain/errors.ts'
import { suspensionOf } from '#core/domain/quota.ts'
import type { Store } from '#core/store/connection.ts'
import { loadTenant } from '#core/store/tenants.ts'

/**
 * @param what what cannot be done, for the sentence: `it cannot be scaled`
 * @throws TENANT_SUSPENDED, APP_PAUSED
 */
export async function requireRunning(store: Store, app: App, what: string): Promise<void> {
  const tenant = await loadTenant(store, app.tenantId)
  const suspension = tenant && suspensionOf(tenant)
  if (suspension) throw tenantSuspended(app.tenantId, suspension.reason)
  if (app.paused) throw appPaused(app.name, what)
}
