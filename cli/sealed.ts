/**
 * Secrets in a file, under a passphrase: a line that says how, then AES-256-GCM (NIST SP 800-38D) under a key that scrypt
 * (RFC 7914) makes of the passphrase. The line is authenticated with the rest.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { failed } from './failures.ts'

/** 128 MiB of memory for each guess: N · r · 128 bytes (RFC 7914 §2). */
export const COST = { N: 2 ** 17, r: 8, p: 1 }
const MOST_MEMORY_BYTES = 1024 ** 3
const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const FORMAT = 'berth-sealed-1'

type Header = { format: typeof FORMAT; N: number; r: number; p: number; salt: string; iv: string }

/** @param cost how much work a guess is; other than for the tests of this, as it is */
export async function sealText(text: string, passphrase: string, cost = COST): Promise<Buffer> {
  const [salt, iv] = [randomBytes(16), randomBytes(IV_BYTES)]
  const header: Header = { format: FORMAT, ...cost, salt: salt.toString('base64'), iv: iv.toString('base64') }
  const line = Buffer.from(`${JSON.stringify(header)}\n`)
  const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, header), iv).setAAD(line)
  return Buffer.concat([line, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/** @throws exit code 1 when the passphrase is not that which sealed it, or the bytes are not those that were sealed */
export async function openText(sealed: Buffer, passphrase: string): Promise<string> {
  const end = sealed.indexOf('\n') + 1
  const line = sealed.subarray(0, end)
  const header = readHeader(line.toString('utf8'))
  const body = sealed.subarray(end)
  if (body.length < TAG_BYTES) throw damaged()
  const key = await keyOf(passphrase, header)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(header.iv, 'base64'), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(line)
      .setAuthTag(body.subarray(-TAG_BYTES))
    return Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8')
  } catch {
    throw failed('The passphrase is wrong, or the sealed config vars were damaged. Nothing was changed.')
  }
}

function readHeader(line: string): Header {
  let header: Partial<Record<keyof Header, unknown>>
  try {
    header = JSON.parse(line) as typeof header
  } catch {
    throw damaged()
  }
  const { format, N, r, p, salt, iv } = header
  if (format !== FORMAT)
    throw failed(`The config vars are sealed as ${JSON.stringify(format)}, which this version of berth cannot open.`)
  if (!isBearable({ N, r, p })) throw damaged()
  if (typeof salt !== 'string' || typeof iv !== 'string' || Buffer.from(iv, 'base64').length !== IV_BYTES)
    throw damaged()
  return header as Header
}

/** A stranger's file must not make this machine run out of memory. */
export function isBearable({ N, r, p }: { N: unknown; r: unknown; p: unknown }): boolean {
  const numbers = [N, r, p].every((value) => Number.isSafeInteger(value) && Number(value) > 0)
  return numbers && Number(N) * Number(r) * 128 <= MOST_MEMORY_BYTES && Number(p) <= 16
}

const damaged = () => failed('The sealed config vars of this file are damaged. Nothing was changed.')

export function keyOf(passphrase: string, { N, r, p, salt }: Pick<Header, 'N' | 'r' | 'p' | 'salt'>): Promise<Buffer> {
  const options = { N, r, p, maxmem: 2 * N * r * 128 }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), Buffer.from(salt, 'base64'), KEY_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}
