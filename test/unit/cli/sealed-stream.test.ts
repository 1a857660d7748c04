import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { isSealed, openStream, sealStream } from '../../../cli/sealed-stream.ts'

const cheap = { N: 2 ** 4, r: 8, p: 1 }
const PIECE = 64 * 1024
const SEALED_PIECE = PIECE + 16

describe('a sealed stream', () => {
  async function* inChunks(content: Uint8Array, length: number) {
    for (let at = 0; at < content.length; at += length) yield await Promise.resolve(content.subarray(at, at + length))
  }
  async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
    const pieces: Uint8Array[] = []
    for await (const piece of stream) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  const seal = (content: Uint8Array, chunk = 10_007) =>
    all(sealStream(inChunks(content, chunk), 'correct horse', cheap))
  const open = (sealed: Uint8Array, passphrase = 'correct horse', chunk = 9_973) =>
    all(openStream(inChunks(sealed, chunk), passphrase))

  it('opens to what was sealed, whatever its length and however it arrives', async () => {
    for (const length of [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE + 17]) {
      const content = randomBytes(length)
      for (const chunk of [1_000, PIECE, 1_000_000]) {
        const sealed = await seal(content, chunk)
        assert.ok(isSealed(sealed.subarray(0, 64)))
        assert.deepEqual(await open(sealed, 'correct horse', chunk + 1), content, `${length} by ${chunk}`)
      }
    }
  })

  it('does not open with another passphrase, or when a byte was changed, moved, left out or cut off', async () => {
    const content = randomBytes(3 * PIECE + 100)
    const sealed = await seal(content)
    const head = sealed.indexOf(10) + 1
    const flipped = Buffer.from(sealed)
    flipped[head + SEALED_PIECE + 5] = (flipped[head + SEALED_PIECE + 5] ?? 0) ^ 1
    const [one, two] = [
      sealed.subarray(head, head + SEALED_PIECE),
      sealed.subarray(head + SEALED_PIECE, head + 2 * SEALED_PIECE),
    ]
    const rest = sealed.subarray(head + 2 * SEALED_PIECE)
    await assert.rejects(open(sealed, 'wrong horse'), /passphrase is wrong/)
    for (const wrong of [
      flipped,
      Buffer.concat([sealed.subarray(0, head), two, one, rest]),
      Buffer.concat([sealed.subarray(0, head), one, rest]),
      sealed.subarray(0, head + 2 * SEALED_PIECE),
      sealed.subarray(0, -1),
      sealed.subarray(0, head),
      Buffer.concat([sealed, Buffer.from('x')]),
      Buffer.from(sealed.toString('latin1').replace('"r":8', '"r":9'), 'latin1'),
    ])
      await assert.rejects(open(wrong), /damaged|passphrase is wrong/)
  })

  it('does not let a stranger’s file take all memory', async () => {
    const line = (N: number) => Buffer.from(`{"format":"berth-sealed-stream-1","N":${N},"r":8,"p":1,"salt":"AAAA"}\n`)
    await assert.rejects(open(line(2 ** 40)), /damaged/)
    await assert.rejects(open(Buffer.alloc(5000, 'x')), /damaged/)
  })
})
