/** What is sent about how requests reach an app. */
import { z } from 'zod'
import { accessRanges, accessUser, requestRate, routing, trafficCaps } from '../schema.ts'

export const addDomain = z.strictObject({ address: z.string().min(1).max(500) })
export const patchRouting = routing
export type PatchRouting = z.infer<typeof patchRouting>
export const patchAccess = accessRanges
export const addAccessUser = accessUser
/** What is left out stays as it is; a null takes the limit back, and then the app may take all that its tenant may. */
export const patchQuota = trafficCaps.extend({ requests: requestRate.nullable().optional() })
export type PatchQuota = z.infer<typeof patchQuota>
/** PEM, both of them: the server's certificate and its issuers, and the private key. */
export const addCertificate = z.strictObject({ certificate: z.string().max(131_072), key: z.string().max(16_384) })
export const retryCertificate = z.strictObject({ host: z.string().max(255) })
