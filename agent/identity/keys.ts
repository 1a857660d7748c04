import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'

/** A new key pair of EC P-256, in PEM. The private one stays on this host. */
export async function makeKeys(): Promise<{ key: string; publicKey: string }> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
