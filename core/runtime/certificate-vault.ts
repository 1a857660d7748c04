/**
 * What controllers and routers seal for each other under the certificates' key: chains with their private keys, ACME
 * accounts, the key of session tickets. It is not the master key, which routers never see (docs/decisions/0008).
 */
import { readFile } from 'node:fs/promises'
import { KEY_BYTES, seal, unseal } from './sealing.ts'

/** PEM, both of them; the chain begins with the server's certificate. */
export type Pair = { chain: string; key: string }

export type CertificateVault = {
  sealPair(certificateId: string, pair: Pair): string
  /** @throws when the text was changed, moved, or sealed under another key */
  openPair(certificateId: string, sealed: string): Pair
  /** @param what e.g. `account https://…` */
  seal(what: string, text: string): string
  /** @throws as openPair */
  open(what: string, sealed: string): string
}

export function createVault(key: Uint8Array): CertificateVault {
  return {
    sealPair: (id, { chain, key: secret }) => seal(key, `certificate\0${id}`, JSON.stringify({ chain, key: secret })),
    openPair: (id, sealed) => JSON.parse(unseal(key, `certificate\0${id}`, sealed)) as Pair,
    seal: (what, text) => seal(key, `other\0${what}`, text),
    open: (what, sealed) => unseal(key, `other\0${what}`, sealed),
  }
}

/** @returns null when the file is not there (yet) @throws when it holds something else than a key */
export async function readVault(path: string): Promise<CertificateVault | null> {
  let key: Buffer
  try {
    key = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  if (key.length !== KEY_BYTES) throw new Error(`${path} must hold a key of ${KEY_BYTES} bytes.`)
  return createVault(key)
}
