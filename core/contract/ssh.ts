/** /v1/keys and /v1/ssh: people's SSH keys, and the door that they open. */
import { z } from 'zod'
import { tenantId } from './schema.ts'
import { moment, named, text, whole } from './views/shape.ts'

export const addSshKey = z.strictObject({
  /** A line of a `.pub` file. */
  key: z.string().max(16_384),
  name: z.string().min(1).max(100).optional(),
  tenant: tenantId.optional(),
})

export const sshKeyView = named('SshKey', {
  id: text,
  name: text,
  fingerprint: text.describe('As ssh-keygen -l prints it.'),
  type: text,
  bits: whole,
  tenant: text,
  addedBy: text,
  createdAt: moment,
})
export type SshKeyView = z.infer<typeof sshKeyView>
export const sshKeysView = z.strictObject({ keys: z.array(sshKeyView) })

export const sshView = z.discriminatedUnion('enabled', [
  z.strictObject({ enabled: z.literal(false), why: text }),
  z.strictObject({
    enabled: z.literal(true),
    port: whole,
    fingerprint: text,
    hostKey: text.describe('A line for known_hosts, after the address.'),
  }),
])
export type SshView = z.infer<typeof sshView>
