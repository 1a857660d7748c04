/** Which hosts are an app's to have certificates for: its own name, and those whose ownership it has shown. */
import type { App } from '#core/domain/app.ts'
import { isWildcard, type Wanted } from '#core/domain/certificate.ts'

/** What an app's certificates may be served for. @param platform the platform's own domain */
export const hostsOfApp = ({ name, domains }: Pick<App, 'name' | 'domains'>, platform: string): string[] => [
  ...new Set([`${name}.${platform}`, ...verifiedHosts(domains)]),
]

/**
 * What an authority is asked for. The platform's own certificate has the app's own name.
 * @param byDns whether proofs by DNS can be given, as wildcards need them (RFC 8555 §8.4)
 */
export const wantedOf = (
  { id, tenantId, domains }: Pick<App, 'id' | 'tenantId' | 'domains'>,
  byDns: boolean,
): Wanted[] =>
  [...new Set(verifiedHosts(domains))]
    .filter((host) => byDns || !isWildcard(host))
    .map((host) => ({ host, appId: id, tenantId }))

const verifiedHosts = (domains: App['domains']): string[] =>
  domains.filter(({ state }) => state === 'verified').map(({ host }) => host)
