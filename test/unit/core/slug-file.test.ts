import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { LayerDigest } from '../../../core/domain/ids.ts'
import {
  END_BYTES,
  entryBytes,
  entryHeader,
  layerEntry,
  MANIFEST,
  paddingOf,
  readHeader,
  splitEntries,
  type Part,
} from '../../../core/domain/slug-file.ts'

const digest = 'ab'.repeat(32) as LayerDigest

function fileOf(entries: [name: string, content: string][]): Buffer {
  const parts = entries.flatMap(([name, content]) => [
    entryHeader({ name, bytes: content.length, time: 1_700_000_000 }),
    Buffer.from(content),
    new Uint8Array(paddingOf(content.length)),
  ])
  return Buffer.concat([...parts, new Uint8Array(END_BYTES)])
}

/** Names with contents, and `end`. */
function summary(parts: Part[]): string[] {
  const found: string[] = []
  for (const part of parts) {
    if (part.kind === 'entry') found.push(`${part.entry.name}=`)
    else if (part.kind === 'end') found.push('end')
    else found.push(`${found.pop() ?? ''}${Buffer.from(part.bytes).toString()}`)
  }
  return found
}

describe('A slug’s file', () => {
  const entries: [string, string][] = [
    [MANIFEST, '{"a":1}'],
    [layerEntry(digest), 'x'.repeat(1024)],
    [layerEntry('cd'.repeat(32) as LayerDigest), ''],
  ]

  it('is read in whatever pieces it comes', () => {
    const file = fileOf(entries)
    const whole = summary(splitEntries()(file))
    assert.deepEqual(whole, [...entries.map(([name, content]) => `${name}=${content}`), 'end'])
    fc.assert(
      fc.property(fc.array(fc.nat(file.length), { maxLength: 6 }), (cuts) => {
        const split = splitEntries()
        const edges = [0, ...cuts.sort((a, b) => a - b), file.length]
        const parts = edges.slice(1).flatMap((to, index) => split(file.subarray(edges[index], to)))
        assert.deepEqual(summary(parts), whole)
      }),
    )
  })

  it('says how long its entries are', () => {
    assert.equal(
      fileOf(entries).length,
      entries.reduce((sum, [, { length }]) => sum + entryBytes(length), END_BYTES),
    )
  })

  const changed = (at: number, text: string) => {
    const header = Buffer.from(entryHeader({ name: MANIFEST, bytes: 1, time: 0 }))
    header.write(text, at, 'latin1')
    let sum = 256
    header.forEach((byte, place) => (sum += place >= 148 && place < 156 ? 0 : byte))
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return header
  }

  it('S30: holds nothing that could be unpacked to another place: no other name, no link, no folder, no long name', () => {
    const refused = (header: Uint8Array, message: RegExp) =>
      assert.throws(() => readHeader(header), { code: 'SLUG_FILE_REFUSED', message })
    for (const name of [
      '../manifest.json',
      '/manifest.json',
      `layers/${'a'.repeat(63)}/.squashfs`,
      'layers/x',
      'app/a',
    ])
      refused(entryHeader({ name, bytes: 1, time: 0 }), /does not belong into it/)
    for (const kind of ['1', '2', '3', '5', '6', 'L', 'x', 'g']) refused(changed(156, kind), /is not a plain file/)
    refused(changed(345, '../'), /does not belong into it/)
    refused(changed(124, '-0000000001'), /the size of "manifest.json" cannot be read/)
  })

  it('is refused as a whole when it is no archive, or a bit of a header changed', () => {
    const header = Buffer.from(entryHeader({ name: MANIFEST, bytes: 1, time: 0 }))
    header[100] = 0x31
    assert.throws(() => readHeader(header), { message: /is not a tar archive, or it was damaged/ })
    assert.throws(() => splitEntries()(Buffer.alloc(512, 'PK')), { message: /is not a tar archive/ })
  })
})
