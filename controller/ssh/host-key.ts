/** Who this Berth is to SSH clients: a key that is made at the first start and kept, and whose change is never silent. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import { loadSshHostKey, saveSshHostKey } from '#core/store/ssh-keys.ts'
import { writeOnce } from '../files.ts'

export type HostKey = {
  /** As OpenSSH writes private keys. */
  privateKey: string
  fingerprint: string
  /** `ssh-ed25519 AAAA…` */
  publicKey: string
}

/**
 * @param accepted the fingerprint of a new key that the operator means to use
 * @returns the key, or why there is none to use: clients would take a changed one for an attack
 */
export async function loadHostKey(
  home: string,
  accepted: string,
  { store, log }: { store: Store; log: Log },
): Promise<HostKey | { why: string }> {
  const file = join(home, 'ssh-host-key')
  const made = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'berth' })
  if (await writeOnce(file, `${made.private}\n`)) log.info('ssh host key made', { file })
  const key = readKey(await readFile(file, 'utf8'))
  if (key === null)
    return {
      why: `${file} is not a private key that OpenSSH could have written. Restore it, or remove it to have a new one made.`,
    }
  const known = await loadSshHostKey(store)
  if (known === null || known === key.fingerprint || accepted === key.fingerprint) {
    if (known !== null && known !== key.fingerprint)
      log.warn('ssh host key changed, as the operator asked', { was: known, is: key.fingerprint })
    if (known !== key.fingerprint) await saveSshHostKey(store, key.fingerprint)
    return key
  }
  const why = `The SSH host key is ${key.fingerprint}, and clients know ${known}. Restore ${file}; or, to use the new one, set BERTH_SSH_NEW_HOST_KEY=${key.fingerprint} and tell everybody.`
  log.error('ssh stays closed: the host key changed', { was: known, is: key.fingerprint, why })
  return { why }
}

function readKey(privateKey: string): HostKey | null {
  const parsed = ssh2.utils.parseKey(privateKey)
  if (parsed instanceof Error || !parsed.isPrivateKey()) return null
  const blob = parsed.getPublicSSH()
  return { privateKey, fingerprint: fingerprintOf(blob), publicKey: `${parsed.type} ${blob.toString('base64')}` }
}

/** As ssh-keygen -l prints it. */
export const fingerprintOf = (blob: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
