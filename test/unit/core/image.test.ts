import assert from 'node:assert/strict'
import { IMAGE_HEAD_BYTES, imageKind, imageTime } from '#core/domain/image.ts'

const withBytes = (offset: number, bytes: Uint8Array): Buffer => {
  const head = Buffer.alloc(IMAGE_HEAD_BYTES)
  head.set(bytes, offset)
  return head
}

describe('The kind of an image', () => {
  it('is told by its magic number', () => {
    assert.equal(imageKind(withBytes(0, Buffer.from('hsqs'))), 'squashfs')
    assert.equal(imageKind(withBytes(1024, Buffer.from('e2e1f5e0', 'hex'))), 'erofs')
  })

  it('is none where there is none, or not in its place, or not all of it', () => {
    for (const head of [
      Buffer.alloc(IMAGE_HEAD_BYTES),
      Buffer.alloc(0),
      Buffer.from('hsq'),
      withBytes(1, Buffer.from('hsqs')),
      withBytes(1024, Buffer.from('e2e1f5', 'hex')),
      withBytes(0, Buffer.from('e2e1f5e0', 'hex')),
    ])
      assert.equal(imageKind(head), null)
  })

  it('tells where the time is that it was packed at', () => {
    const squashfs = withBytes(0, Buffer.from('hsqs'))
    squashfs.writeUInt32LE(1_700_000_000, 8)
    assert.equal(imageTime(squashfs), 1_700_000_000)
    const erofs = withBytes(1024, Buffer.from('e2e1f5e0', 'hex'))
    erofs.writeBigUInt64LE(1_700_000_001n, 1024 + 24)
    assert.equal(imageTime(erofs), 1_700_000_001)
    for (const none of [Buffer.alloc(IMAGE_HEAD_BYTES), erofs.subarray(0, 1050), Buffer.from('hsqs')])
      assert.equal(imageTime(none), 0)
  })
})
