/** /v1/keys and /v1/ssh: people's SSH keys, and the door that they open. */
import { z } from 'zod'
import { tenantId } from './schema.ts'

export const addSshKey = z.strictObject({
  /** A line of a `.pub` file. */
  key: z.string().max(16_384),
  name: z.string().min(1).max(100).optional(),
  tenant: tenantId.optional(),
})

export type SshKeyView = {
  id: string
  name: string
  /** As ssh-keygen -l prints it. */
  fingerprint: string
  type: string
  bits: number
  tenant: string
  addedBy: string
  createdAt: string
}

export type SshView =
  | { enabled: false; why: string }
  | {
      enabled: true
      port: number
      fingerprint: string
      /** A line for known_hosts, after the address. */ hostKey: string
    }
