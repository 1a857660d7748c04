/**
 * How a machine becomes a host: an operator's join token, and what its agent and the controller say to each other. All of it
 * but the token goes over the controller's listener for agents.
 */
import { z } from 'zod'
import { hostId } from './schema.ts'

export const authorityPath = '/internal/authority'
export const joinPath = '/internal/join'
export const renewPath = '/internal/certificate'

/** The controller's name in its certificate for agents, wherever it listens. */
export const CONTROLLER_NAME = 'controller.berth.internal'

/**
 * `berth_j-ID_SECRET_FINGERPRINT`: the secret has 256 bits; the fingerprint is the SHA-256 of the authority's certificate, by
 * which the agent knows the controller before it tells it the secret.
 */
export const JOIN_TOKEN = /^berth_(j-[a-z2-7]{13})_([0-9a-f]{64})_([0-9a-f]{64})$/

const pem = z.string().max(10_000)

export const addHost = z.strictObject({ host: hostId })
export const joinTokenView = z
  .strictObject({
    host: z.string(),
    token: z.string().describe('Shown once. Good for one machine, once.'),
    expiresAt: z.iso.datetime(),
    replaces: z.boolean().describe('A host of this name has joined before; its certificate ends when this one joins.'),
  })
  .meta({ id: 'JoinToken' })
export type JoinTokenView = z.infer<typeof joinTokenView>

/** `GET /internal/authority`: told to anybody; whoever asks compares its fingerprint. */
export const authorityAnswer = z.object({ authority: pem })

/** @property publicKey SPKI in PEM, EC P-256; the private key never leaves the host */
export const joinRequest = z.strictObject({ token: z.string().max(300), host: hostId, publicKey: pem })
export const renewRequest = z.strictObject({ publicKey: pem })

/** What newer controllers add is left alone by older agents, so this one is not strict. */
export const certificateAnswer = z.object({ certificate: pem, authority: pem })
export type CertificateAnswer = z.infer<typeof certificateAnswer>
