/**
 * Whom a tenant may have written to: its own members and nobody else, since whoever is written to must have come to the tenant,
 * and must be able to leave it. The platform's own list is its operators' business.
 */
import { badRequest } from '#core/domain/errors.ts'
import type { TenantId } from '#core/domain/ids.ts'
import { normaliseEmail } from '#core/domain/user.ts'
import type { Store } from '#core/store/connection.ts'
import { loadMembers } from '#core/store/users.ts'

/** Those of the addresses that are a member's now. @param tenant null: the platform's */
export async function mayBeWrittenTo(
  store: Store,
  tenant: TenantId | null,
  addresses: readonly string[],
): Promise<string[]> {
  if (tenant === null || addresses.length === 0) return [...addresses]
  const members = new Set((await loadMembers(store, tenant)).map(({ user }) => user.email))
  return addresses.filter((address) => members.has(normaliseEmail(address) ?? address))
}

/** @throws BAD_REQUEST, which names the first that is nobody's of the tenant */
export async function requireMembers(
  store: Store,
  tenant: TenantId | null,
  addresses: readonly string[],
): Promise<void> {
  const known = await mayBeWrittenTo(store, tenant, addresses)
  const stranger = addresses.find((address) => !known.includes(address))
  if (stranger !== undefined)
    throw badRequest(
      `mail: ${stranger} is no member of ${tenant ?? 'the platform'}, and only members are written to. Invite them, or add a webhook for others`,
    )
}
