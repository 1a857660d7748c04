import type { ChainableCommander } from 'ioredis'
import type { AppRecord } from '../domain/app.ts'
import { addressText, MAX_DOMAINS, parentOf, type Check, type Domain, type Verification } from '../domain/domain.ts'
import type { AppId, TenantId } from '../domain/ids.ts'
import type { Address } from '../domain/route.ts'
import { pack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** Of one claim: see commands/putDomain.lua. */
export type Claimed = 'verified' | 'pending' | 'gone' | 'taken' | 'own' | 'full'

/** Claims an address for an app. It is verified at once where the tenant has shown before that the host is its own. */
export const claimDomain = (store: Store, domain: Domain): Promise<Claimed> =>
  put(store, 'claim', '', domain, { at: domain.createdAt, by: 'tenant' })

/** Gives a pending domain to its app, unless another tenant holds the host by now. */
export const verifyDomain = (store: Store, domain: Domain, verified: Verification): Promise<Claimed> =>
  put(store, 'verify', domain.token, domain, verified)

/** Records what a look into DNS found for a pending domain. */
export const noteCheck = (store: Store, domain: Domain, check: Check): Promise<Claimed> =>
  put(store, 'note', domain.token, { ...domain, check }, { at: check.at, by: 'dns' })

/** @param read the token of the claim that was read; empty for a new one */
async function put(
  store: Store,
  act: 'claim' | 'verify' | 'note',
  read: string,
  domain: Domain,
  verified: Verification,
): Promise<Claimed> {
  const { host, appId, tenantId } = domain
  const parent = parentOf(host)
  const outcome = await store.putDomain(
    keys.app(appId),
    keys.addresses(tenantId),
    keys.domain(host),
    keys.domainsBelow(parent),
    keys.domain(`*.${parent}`),
    addressText(domain),
    appId,
    tenantId,
    pack({ ...domain, state: 'verified', verified, check: null } satisfies Domain),
    pack({ ...domain, state: 'pending', verified: null } satisfies Domain),
    read,
    act,
    host.startsWith('*.') ? 'wildcard' : 'exact',
    MAX_DOMAINS,
  )
  return outcome as Claimed
}

/** @returns false when the app has no such domain */
export async function removeDomain(
  store: Store,
  app: Pick<AppRecord, 'id' | 'tenantId'>,
  address: Address,
): Promise<boolean> {
  return (await store.removeDomains(...removal(app, addressText(address)))) === 1
}

/** Adds to a transaction that all of an app's domains are free again. */
export function freeDomains(
  transaction: ChainableCommander,
  app: Pick<AppRecord, 'id' | 'tenantId'>,
): ChainableCommander {
  const commander = transaction as ChainableCommander &
    Record<'removeDomains', (...args: string[]) => ChainableCommander>
  return commander.removeDomains(...removal(app, ''))
}

const removal = ({ id, tenantId }: Pick<AppRecord, 'id' | 'tenantId'>, address: string): string[] => [
  keys.app(id),
  keys.addresses(tenantId),
  address,
  keys.domain(''),
  keys.domainsBelow(''),
]

/** Which of the tenant's apps claims an address. */
export const claimantOf = async (store: Store, tenant: TenantId, address: Address): Promise<AppId | null> =>
  (await store.hget(keys.addresses(tenant), addressText(address))) as AppId | null

const FIELD = 'domain '

/** The domains in an app's fields, by name. */
export const domainsIn = (fields: Record<string, string>): Domain[] =>
  Object.entries(fields)
    .filter(([name]) => name.startsWith(FIELD))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => JSON.parse(text) as Domain)
