/** Who is at the door: a public key that somebody added, proved by a signature. Nothing else is asked for. */
import ssh2, { type AuthContext, type PublicKeyAuthContext } from 'ssh2'
import type { SshKeyRecord } from '#core/domain/ssh-key.ts'
import type { Store } from '#core/store/connection.ts'
import { findSshKey } from '#core/store/ssh-keys.ts'
import { fingerprintOf } from './host-key.ts'

/** @returns whose key it is once that is proved; null while it is not, and the client was told so */
export async function checkKey(store: Store, attempt: AuthContext): Promise<SshKeyRecord | null> {
  if (attempt.method !== 'publickey' || !isModern(attempt)) return refuse(attempt)
  const known = await findSshKey(store, fingerprintOf(attempt.key.data))
  if (known === null || known.type !== attempt.key.algo) return refuse(attempt)
  if (attempt.signature === undefined || attempt.blob === undefined) {
    // It only asks whether this key would do.
    attempt.accept()
    return null
  }
  const key = ssh2.utils.parseKey(`${known.type} ${known.blob}`)
  if (key instanceof Error || key.verify(attempt.blob, attempt.signature, hashOf(attempt)) !== true)
    return refuse(attempt)
  attempt.accept()
  return known
}

/** RSA signatures over SHA-1 are forgeable (RFC 8332); with SHA-2 the library names the hash. */
const isModern = (attempt: PublicKeyAuthContext): boolean =>
  attempt.key.algo !== 'ssh-rsa' || hashOf(attempt) !== undefined

const hashOf = (attempt: PublicKeyAuthContext): string | undefined => (attempt as { hashAlgo?: string }).hashAlgo

function refuse(attempt: AuthContext): null {
  attempt.reject(['publickey'])
  return null
}
