/** Certificates as the API shows them. */
import type { AutomaticView, CertificateView } from '#core/contract/api.ts'
import { bestOf, isValidAt, type Certificate, type Standing } from '#core/domain/certificate.ts'

/** @param app its name; null: the platform */
export const certificateView = (certificate: Certificate, app: string | null): CertificateView => ({
  id: certificate.id,
  source: certificate.source,
  app,
  names: certificate.names,
  hosts: certificate.hosts,
  issuer: certificate.issuer,
  serial: certificate.serial,
  fingerprint: certificate.fingerprint,
  keyType: certificate.keyType,
  validFrom: iso(certificate.notBefore),
  validTo: iso(certificate.notAfter),
  addedAt: iso(certificate.addedAt),
  addedBy: certificate.addedBy,
})

/**
 * Where the automatic certificate of a host stands.
 * @param serving the certificates that serve the host
 * @param hasAuthority whether the operator has named one
 */
export function automaticView(
  host: string,
  standing: Standing | null,
  serving: Certificate[],
  hasAuthority: boolean,
  now: number,
): AutomaticView {
  const automatic = bestOf(
    serving.filter(({ source }) => source === 'acme'),
    now,
  )
  const isSpared = serving.some((one) => one.source === 'uploaded' && isValidAt(one, now))
  return {
    host,
    state: stateOf(standing, automatic, isSpared, hasAuthority),
    certificate: automatic?.id ?? null,
    nextAt: standing === null || !hasAuthority ? null : iso(standing.nextAt),
    failures: standing?.failures ?? 0,
    problem: standing?.problem ? { at: iso(standing.problem.at), text: standing.problem.text } : null,
  }
}

function stateOf(
  standing: Standing | null,
  automatic: Certificate | null,
  isSpared: boolean,
  hasAuthority: boolean,
): AutomaticView['state'] {
  if (isSpared) return 'spared'
  if (standing?.problem) return 'failing'
  if (automatic !== null) return 'issued'
  return hasAuthority ? 'waiting' : 'off'
}

const iso = (at: number): string => new Date(at).toISOString()
