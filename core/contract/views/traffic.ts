/** How requests reach an app: domains, certificates, routing, who may come in, and how much. */
import { z } from 'zod'
import type { CertificateSource } from '../../domain/certificate.ts'
import { moment, named, text, texts, whole } from './shape.ts'

export const certificateFields = {
  id: text,
  source: z.enum(['uploaded', 'acme', 'selfSigned'] as const satisfies CertificateSource[]),
  app: text.nullable().describe('null: the platform’s.'),
  names: texts,
  hosts: texts.describe('What routers serve it for.'),
  issuer: text,
  serial: text,
  fingerprint: text.describe('SHA-256, in hex.'),
  keyType: text,
  validFrom: moment,
  validTo: moment,
  addedAt: moment,
  addedBy: text,
}
export const certificateView = named('Certificate', certificateFields)
export type CertificateView = z.infer<typeof certificateView>

/** How far the automatic certificate of a host is. */
export const automaticView = named('AutomaticCertificate', {
  host: text,
  state: z
    .enum(['issued', 'waiting', 'failing', 'spared', 'off'])
    .describe('off: the operator has named no authority. spared: one that was uploaded serves the host.'),
  certificate: text.nullable(),
  nextAt: moment.nullable().describe('When it is asked for, renewed, or asked for again.'),
  failures: whole,
  problem: z.strictObject({ at: moment, text }).nullable().describe('In the authority’s words.'),
})
export type AutomaticView = z.infer<typeof automaticView>

export const certificatesView = named('Certificates', {
  certificates: z.array(certificateView),
  automatic: z.array(automaticView),
})
export type CertificatesView = z.infer<typeof certificatesView>

export const certificateAdded = named('CertificateAdded', {
  ...certificateFields,
  replaced: texts.describe('The ids of those whose place it took.'),
})
export type CertificateAdded = z.infer<typeof certificateAdded>

export const domainView = named('Domain', {
  address: text.describe('shop.example/api: how it is named in paths of the API.'),
  host: text,
  path: text,
  state: z.enum(['pending', 'verified']),
  createdAt: moment,
  verified: z.strictObject({ at: moment, by: z.enum(['dns', 'operator', 'tenant']) }).nullable(),
  challenge: z
    .strictObject({ type: z.literal('TXT'), name: text, value: text })
    .nullable()
    .describe('The record that shows whose the host is; null when that is known.'),
  check: z
    .strictObject({ at: moment, problem: text, nextAt: moment })
    .nullable()
    .describe('What the last look into DNS found, and when the next one is.'),
  certificate: automaticView.nullable().describe('How far the certificate for its host is; null while it is pending.'),
})
export type DomainView = z.infer<typeof domainView>
export const domainsView = named('Domains', {
  own: text.describe('The address that the platform gives every app.'),
  domains: z.array(domainView),
})
export type DomainsView = z.infer<typeof domainsView>

export const routingView = named('Routing', {
  protocol: z.enum(['http1', 'h2c']).describe('How an app’s instances are spoken to.'),
  bodyLimitBytes: whole.nullable().describe('null: no limit; bodies are streamed.'),
  firstByteMs: whole,
  idleMs: whole,
  concurrency: z
    .strictObject({ soft: whole, hard: whole })
    .nullable()
    .describe('Requests in flight on one instance: above soft others are preferred, above hard requests wait.'),
  sticky: z.boolean(),
  maintenance: z.boolean().describe('Every request is answered 503 by the router.'),
  forceHttps: z.boolean().describe('Plain HTTP is answered with a redirect.'),
})
export type RoutingView = z.infer<typeof routingView>

/** Passwords are never shown. */
export const accessView = named('Access', { allow: texts, users: texts })
export type AccessView = z.infer<typeof accessView>

export const requestRateView = z.strictObject({ perSecond: z.number(), burst: z.number() })
/** null: no limit. */
export const trafficCapsFields = {
  concurrent: z.number().nullable(),
  connections: z.number().nullable(),
  webSockets: z.number().nullable(),
  inBytesPerSecond: z.number().nullable(),
  outBytesPerSecond: z.number().nullable(),
}

/** What an app may take of its tenant's traffic, and what that is. */
export const quotaView = named('Quota', {
  app: text,
  tenant: text,
  quota: z.strictObject({ ...trafficCapsFields, requests: requestRateView.nullable() }),
  ofTenant: z.strictObject({ ...trafficCapsFields, requests: requestRateView }),
})
export type QuotaView = z.infer<typeof quotaView>
