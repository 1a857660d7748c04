/**
 * Identifiers. Each is a branded string, so that an app's id cannot be passed where a host's is meant, and each is safe
 * as a part of a path, a cgroup name, a Redis key, a BullMQ queue name and an interface name's suffix: `[a-z0-9-]`.
 */
type Brand<Name extends string> = string & { readonly __brand: Name }

export type TenantId = Brand<'TenantId'>
export type AppId = Brand<'AppId'>
export type AppName = Brand<'AppName'>
export type HostId = Brand<'HostId'>
export type InstanceId = Brand<'InstanceId'>
export type DeployId = Brand<'DeployId'>
export type RouterId = Brand<'RouterId'>
export type TokenId = Brand<'TokenId'>
export type UserId = Brand<'UserId'>
/** SHA-256 of a layer, 64 lower-case hex digits. */
export type LayerDigest = Brand<'LayerDigest'>
/** `web`, `worker`, …: a key of the Procfile. */
export type ProcessType = Brand<'ProcessType'>

const ID = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
export const isId = (text: string): boolean => text.length <= 63 && ID.test(text)
export const isDigest = (text: string): text is LayerDigest => /^[0-9a-f]{64}$/.test(text)

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

/**
 * A new identifier: a prefix and 13 base-32 letters (65 bits).
 * @param prefix one or two letters that tell the kind, e.g. `i` for an instance
 * @param random at least 13 random bytes, from the caller, so that this stays pure
 */
export function makeId(prefix: string, random: Uint8Array): string {
  return prefix + '-' + Array.from(random.subarray(0, 13), (byte) => LETTERS[byte & 31]).join('')
}
