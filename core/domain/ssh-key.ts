/** People's SSH keys: what is taken as one, and whose it is. */
import { sshKeyRefused } from './errors.ts'
import type { TenantId, UserId } from './ids.ts'

export type SshKeyType =
  'ssh-ed25519' | 'ecdsa-sha2-nistp256' | 'ecdsa-sha2-nistp384' | 'ecdsa-sha2-nistp521' | 'ssh-rsa'

export type PublicKey = {
  type: SshKeyType
  bits: number
  /** The key's own bytes (RFC 4253 §6.6), which its fingerprint is taken of. */
  blob: Uint8Array
  comment: string
}

/** A key belongs to a tenant, whose member it lets in. */
export type SshKeyRecord = {
  id: string
  /** `SHA256:` and 43 letters, as ssh-keygen -l prints it. */
  fingerprint: string
  type: SshKeyType
  bits: number
  /** The blob, in base64. */
  blob: string
  /** What releases and logs say about who did it. */
  name: string
  tenantId: TenantId
  /** Whose it is in person, as far as that one reaches; null: nobody's. */
  userId: UserId | null
  addedBy: string
  createdAt: number
}

export const MAX_KEYS_OF_TENANT = 100

const LEAST_RSA_BITS = 2048
/** A larger one costs more to check than anybody gains. */
const MOST_RSA_BITS = 8192
const MAX_LENGTH = 4096

/**
 * Reads a line like those of authorized_keys, without options: `TYPE BASE64 COMMENT` (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4).
 * @throws SSH_KEY_REFUSED, with what to give instead
 */
export function parsePublicKey(text: string): PublicKey {
  const line = text.trim()
  if (/PRIVATE KEY/.test(line))
    throw sshKeyRefused(
      'this is a private key, which never leaves your machine. Give the public one, whose file ends in .pub',
    )
  if (line === '') throw sshKeyRefused('there is none. Make one with: ssh-keygen -t ed25519')
  if (line.length > MAX_LENGTH || /[\r\n]/.test(line))
    throw sshKeyRefused('it is more than one line. Add one key at a time')
  const [type = '', base64 = '', ...comment] = line.split(/[ \t]+/)
  const blob = decode(base64)
  const fields = blob && readFields(blob)
  if (!isTaken(type)) throw sshKeyRefused(whyNot(type))
  if (!blob || !fields || fields[0] === undefined || ascii(fields[0]) !== type)
    throw sshKeyRefused('it is damaged: its base64 does not hold what its type says')
  return { type, bits: bitsOf(type, fields.slice(1)), blob, comment: clean(comment.join(' ')) }
}

const curves = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', bits: 256, point: 65 },
  'ecdsa-sha2-nistp384': { name: 'nistp384', bits: 384, point: 97 },
  'ecdsa-sha2-nistp521': { name: 'nistp521', bits: 521, point: 133 },
}

const isTaken = (type: string): type is SshKeyType =>
  type === 'ssh-ed25519' || type === 'ssh-rsa' || Object.hasOwn(curves, type)

function whyNot(type: string): string {
  const shown = JSON.stringify(type.slice(0, 60))
  if (type === 'ssh-dss') return 'DSA keys are too weak. Make another with: ssh-keygen -t ed25519'
  if (type.startsWith('sk-'))
    return `keys of security tokens (${shown}) are not taken yet. Make another with: ssh-keygen -t ed25519`
  if (type.includes('-cert-')) return `${shown} is a certificate. Give the key itself`
  return `it begins with ${shown}. A key is one line like: ssh-ed25519 AAAA… you@machine`
}

/** @throws SSH_KEY_REFUSED */
function bitsOf(type: SshKeyType, fields: Uint8Array[]): number {
  const [first = new Uint8Array(), second = new Uint8Array(), ...more] = fields
  const damaged = () => sshKeyRefused('it is damaged: its parts are not as long as they must be')
  if (type === 'ssh-ed25519') {
    if (first.length !== 32 || fields.length !== 1) throw damaged()
    return 256
  }
  if (more.length > 0) throw damaged()
  if (type !== 'ssh-rsa') {
    const { name, bits, point } = curves[type]
    // Uncompressed points only, which is what all tools write (SEC 1 §2.3.3).
    if (ascii(first) !== name || second.length !== point || second[0] !== 4) throw damaged()
    return bits
  }
  const [exponent, modulus] = [first, second]
  if (exponent.length === 0 || exponent.length > 8 || isNegative(exponent) || isNegative(modulus)) throw damaged()
  if ((exponent.at(-1) ?? 0) % 2 === 0 || bitLength(exponent) < 2) throw damaged()
  const bits = bitLength(modulus)
  if (bits < LEAST_RSA_BITS)
    throw sshKeyRefused(
      `RSA keys need ${LEAST_RSA_BITS} bits at least, and this one has ${bits}. Make another with: ssh-keygen -t ed25519`,
    )
  if (bits > MOST_RSA_BITS)
    throw sshKeyRefused(`RSA keys may have ${MOST_RSA_BITS} bits at most, and this one has ${bits}`)
  return bits
}

/** The form of RFC 4251 §5, mpint. */
const isNegative = (number: Uint8Array): boolean => ((number[0] ?? 0) & 0x80) !== 0

function bitLength(number: Uint8Array): number {
  const from = number.findIndex((byte) => byte !== 0)
  return from < 0 ? 0 : (number.length - from) * 8 - (Math.clz32(number[from] ?? 0) - 24)
}

/** Each with its length before it, in four bytes (RFC 4251 §5, string). @returns null when they do not fill the whole */
function readFields(blob: Uint8Array): Uint8Array[] | null {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength)
  const fields: Uint8Array[] = []
  let at = 0
  while (at < blob.length && fields.length < 8) {
    if (at + 4 > blob.length) return null
    const length = view.getUint32(at)
    if (length > blob.length - at - 4) return null
    fields.push(blob.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return at === blob.length ? fields : null
}

function decode(base64: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return null
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
}

const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 100))

const clean = (comment: string): string => comment.replace(/\p{C}/gu, '').trim().slice(0, 100)
