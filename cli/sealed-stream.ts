/**
 * Files of any length under a passphrase: a line that says how, then pieces of 64 KiB, each AES-256-GCM (NIST SP 800-38D) under a key
 * that scrypt (RFC 7914) makes of the passphrase. A piece's nonce is its number and whether it is the last (the STREAM
 * construction: Hoang, Reyhanitabar, Rogaway, Vizár 2015), so none can be changed, moved, left out or cut off unnoticed.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { failed } from './failures.ts'
import { COST, isBearable, keyOf } from './sealed.ts'

export const SEALED_STREAM = 'berth-sealed-stream-1'
const PIECE_BYTES = 64 * 1024
const TAG_BYTES = 16
const MAX_LINE_BYTES = 1024

type Chunks = AsyncIterable<Uint8Array>

/** @param cost how much work a guess is; other than for the tests of this, as it is */
export async function* sealStream(content: Chunks, passphrase: string, cost = COST): AsyncGenerator<Buffer> {
  const header = { format: SEALED_STREAM, ...cost, salt: randomBytes(16).toString('base64') }
  const line = Buffer.from(`${JSON.stringify(header)}\n`)
  const key = await keyOf(passphrase, header)
  yield line
  let number = 0
  for await (const { piece, isLast } of pieces(content, PIECE_BYTES)) {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number++, isLast)).setAAD(line)
    yield Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()])
  }
}

/** Yields what was sealed, each piece once it is known to be as it was. @throws exit code 1 */
export async function* openStream(sealed: Chunks, passphrase: string): AsyncGenerator<Buffer> {
  const { line, rest } = await splitLine(sealed)
  const key = await keyOf(passphrase, readHeader(line))
  let number = 0
  for await (const { piece, isLast } of pieces(rest, PIECE_BYTES + TAG_BYTES)) {
    if (piece.length < TAG_BYTES) throw damaged()
    // Apart from the yield: whoever stops listening throws there.
    yield openPiece(piece, key, nonceOf(number, isLast), line, number++ === 0)
  }
}

function openPiece(piece: Buffer, key: Buffer, nonce: Buffer, line: Buffer, isFirst: boolean): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(line).setAuthTag(piece.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(piece.subarray(0, -TAG_BYTES)), decipher.final()])
  } catch {
    throw isFirst ? failed('The passphrase is wrong, or the file is damaged. Nothing was changed.') : damaged()
  }
}

/** Of a file's first bytes. */
export const isSealed = (head: Uint8Array): boolean =>
  Buffer.from(head).toString('latin1').startsWith(`{"format":"${SEALED_STREAM}"`)

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(number, 5, 6)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

/** In pieces of one length, but for the last, which is there even when it is empty. */
async function* pieces(content: Chunks, length: number): AsyncGenerator<{ piece: Buffer; isLast: boolean }> {
  let held: Buffer[] = []
  let bytes = 0
  for await (const chunk of content) {
    held.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    bytes += chunk.length
    // One byte more than a piece: then it is not the last.
    if (bytes <= length) continue
    const all = Buffer.concat(held)
    let at = 0
    for (; all.length - at > length; at += length) yield { piece: all.subarray(at, at + length), isLast: false }
    held = [all.subarray(at)]
    bytes = all.length - at
  }
  yield { piece: Buffer.concat(held), isLast: true }
}

async function splitLine(content: Chunks): Promise<{ line: Buffer; rest: Chunks }> {
  const chunks = content[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (!head.includes(10) && head.length < MAX_LINE_BYTES) {
    const next = await chunks.next()
    if (next.done === true) break
    head = Buffer.concat([head, next.value])
  }
  const end = head.indexOf(10) + 1
  if (end === 0 || end > MAX_LINE_BYTES) throw damaged()
  async function* rest() {
    yield head.subarray(end)
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
  }
  return { line: head.subarray(0, end), rest: rest() }
}

function readHeader(line: Buffer): { N: number; r: number; p: number; salt: string } {
  let header: Record<string, unknown>
  try {
    header = JSON.parse(line.toString('utf8')) as typeof header
  } catch {
    throw damaged()
  }
  const { format, N, r, p, salt } = header
  if (format !== SEALED_STREAM || !isBearable({ N, r, p }) || typeof salt !== 'string') throw damaged()
  return { N: Number(N), r: Number(r), p: Number(p), salt }
}

const damaged = () => failed('The sealed file is damaged, or it broke off. Nothing was changed.')
