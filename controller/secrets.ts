/**
 * Config vars at rest: each value is sealed with AES-256-GCM under the master key, which never leaves this machine's
 * disk. App and name are authenticated with it, so a ciphertext that was moved to another app or name does not open.
 */
import { randomBytes } from 'node:crypto'
import type { AppId, UserId } from '#core/domain/ids.ts'
import { createVault, type CertificateVault } from '#core/runtime/certificate-vault.ts'
import { KEY_BYTES, seal, unseal } from '#core/runtime/sealing.ts'
import { readIfThere, writeOnce } from './files.ts'

/** Whose secret it is, or what it is for. No app's id has a colon. */
export type Owner = AppId | `user:${UserId}` | 'sign-on:'

export type Sealer = {
  /** @returns base64 of iv, tag and ciphertext */
  seal(owner: Owner, name: string, value: string): string
  /** @throws when the text was changed, moved, or sealed under another key */
  open(owner: Owner, name: string, sealed: string): string
}

/** Reads the master key, or makes one at the first start. */
export async function loadSealer(path: string): Promise<Sealer> {
  return createSealer(await loadKey(path))
}

/** The same for the key of certificates, which routers have, too. */
export async function loadVault(path: string): Promise<CertificateVault> {
  return createVault(await loadKey(path))
}

async function loadKey(path: string): Promise<Uint8Array> {
  if ((await readIfThere(path)) === null) await writeOnce(path, randomBytes(KEY_BYTES))
  const key = await readIfThere(path)
  if (key?.length !== KEY_BYTES)
    throw new Error(`${path} must hold a key of ${KEY_BYTES} bytes. Put the right file back from your backup.`)
  return key
}

export function createSealer(key: Uint8Array): Sealer {
  return {
    seal: (owner, name, value) => seal(key, boundTo(owner, name), value),
    open: (owner, name, sealed) => unseal(key, boundTo(owner, name), sealed),
  }
}

const boundTo = (owner: Owner, name: string) => `${owner}\0${name}`

/** Opens a whole config. */
export function openConfig(sealer: Sealer, appId: AppId, config: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, sealed]) => [name, sealer.open(appId, name, sealed)]))
}
