import assert from 'node:assert/strict'
import { outdated, ORPHANED_MS, UNUSED_MS, type Stored } from '../../../../agent/machine-store/outdated.ts'

const NOW = 1_800_000_000_000
const HOUR = 3600_000
const here = ['debian-13-aaaaaaaaaaaa', 'f'.repeat(64)]
const stored = (name: string, unusedMs: number, isMounted = false): Stored => ({
  name,
  usedAt: NOW - unusedMs,
  isMounted,
})
const gone = (...all: Stored[]) => outdated(all, here, NOW)

describe('What goes of the store that all Berths of a machine share', () => {
  it('is what nobody has used for a month', () => {
    assert.deepEqual(
      gone(
        stored('node@20.1.0', UNUSED_MS + HOUR),
        stored('node@22.1.0', UNUSED_MS - HOUR),
        stored('node-dev@20.1.0', UNUSED_MS + HOUR),
        stored('ruby@3.3-debian-13-aaaaaaaaaaaa-11111111.squashfs', UNUSED_MS + HOUR),
        stored(`ruby@3.3-${'f'.repeat(64)}-11111111.squashfs`, UNUSED_MS - HOUR),
      ),
      ['node@20.1.0', 'node-dev@20.1.0', 'ruby@3.3-debian-13-aaaaaaaaaaaa-11111111.squashfs'],
    )
  })

  it('is sooner what belongs to a stack that is not here any more, and that stack’s image', () => {
    const old = ['ruby@3.3-debian-13-bbbbbbbbbbbb-11111111.squashfs', 'debian-13-bbbbbbbbbbbb.squashfs']
    assert.deepEqual(gone(...old.map((name) => stored(name, ORPHANED_MS + HOUR))), old)
    assert.deepEqual(gone(...old.map((name) => stored(name, ORPHANED_MS - HOUR))), [])
    assert.deepEqual(gone(stored('debian-13-aaaaaaaaaaaa.squashfs', ORPHANED_MS + HOUR)), [])
  })

  it('is never what is mounted, nor a lock', () => {
    assert.deepEqual(
      gone(
        stored('debian-13-bbbbbbbbbbbb.squashfs', 10 * UNUSED_MS, true),
        stored('debian-13-bbbbbbbbbbbb.squashfs.lock', 10 * UNUSED_MS),
      ),
      [],
    )
  })

  it('is after a day what somebody who was killed left half made', () => {
    const names = ['installing-x1y2z3', 'building-x1y2z3', 'go@1.24-debian-13-aaaaaaaaaaaa-1.squashfs.77.new']
    assert.deepEqual(gone(...names.map((name) => stored(name, 25 * HOUR))), names)
    assert.deepEqual(gone(...names.map((name) => stored(name, HOUR))), [])
  })
})
