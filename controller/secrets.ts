/**
 * Config vars at rest: each value is sealed with AES-256-GCM under the master key, which never leaves this machine's
 * disk. App and name are authenticated with it, so a ciphertext that was moved to another app or name does not open.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { AppId } from '#core/domain/ids.ts'
import { readIfThere, writeOnce } from './files.ts'

export type Sealer = {
  /** @returns base64 of iv, tag and ciphertext */
  seal(appId: AppId, name: string, value: string): string
  /** @throws when the text was changed, moved, or sealed under another key */
  open(appId: AppId, name: string, sealed: string): string
}

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16

/** Reads the master key, or makes one at the first start. */
export async function loadSealer(path: string): Promise<Sealer> {
  await writeKey(path)
  const key = await readIfThere(path)
  if (key?.length !== KEY_BYTES)
    throw new Error(`${path} must hold a key of ${KEY_BYTES} bytes. Put the right file back from your backup.`)
  return createSealer(key)
}

async function writeKey(path: string): Promise<void> {
  if ((await readIfThere(path)) === null) await writeOnce(path, randomBytes(KEY_BYTES))
}

export function createSealer(key: Uint8Array): Sealer {
  return {
    seal(appId, name, value) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(boundTo(appId, name))
      const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64')
    },
    open(appId, name, sealed) {
      const bytes = Buffer.from(sealed, 'base64')
      const iv = bytes.subarray(0, IV_BYTES)
      const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)
      const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
        .setAAD(boundTo(appId, name))
        .setAuthTag(tag)
      const text = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]
      return Buffer.concat(text).toString('utf8')
    },
  }
}

const boundTo = (appId: AppId, name: string) => Buffer.from(`${appId}\0${name}`)

/** Opens a whole config. */
export function openConfig(sealer: Sealer, appId: AppId, config: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, sealed]) => [name, sealer.open(appId, name, sealed)]))
}
