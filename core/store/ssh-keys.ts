/** SSH keys by fingerprint: one key has one owner, whoever is first. */
import type { SshKeyRecord } from '../domain/ssh-key.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

/** @returns false when the key is there already, and whoever's it is keeps it */
export async function addSshKey(store: Store, record: SshKeyRecord): Promise<boolean> {
  return (await store.hsetnx(keys.sshKeys, record.fingerprint, pack(record))) === 1
}

export async function findSshKey(store: Store, fingerprint: string): Promise<SshKeyRecord | null> {
  return unpack<SshKeyRecord>(await store.hget(keys.sshKeys, fingerprint))
}

export async function loadSshKeys(store: Store): Promise<SshKeyRecord[]> {
  const all = await store.hvals(keys.sshKeys)
  return all.map((text) => unpack<SshKeyRecord>(text)).filter((record) => record !== null)
}

export async function removeSshKey(store: Store, fingerprint: string): Promise<boolean> {
  return (await store.hdel(keys.sshKeys, fingerprint)) === 1
}

/** The fingerprint of the host key that clients know; null before the first start. */
export async function loadSshHostKey(store: Store): Promise<string | null> {
  return store.get(keys.sshHostKey)
}

export async function saveSshHostKey(store: Store, fingerprint: string): Promise<void> {
  await store.set(keys.sshHostKey, fingerprint)
}
