import assert from 'node:assert/strict'
import type { LayerDigest } from '#core/domain/ids.ts'
import { evicted, type CachedLayer } from '../../../agent/layer-cache.ts'

const layer = (digest: string, bytes: number, usedAt: number): CachedLayer => ({
  digest: digest as LayerDigest,
  bytes,
  usedAt,
})
const digests = (layers: CachedLayer[]) => layers.map(({ digest }) => digest)

describe('What a host gives up of its layers', () => {
  const layers = [layer('old', 40, 1), layer('new', 40, 3), layer('between', 40, 2)]

  it('is nothing while those that nothing uses fit into the budget', () => {
    assert.deepEqual(evicted(layers, new Set(), 120), [])
  })

  it('is what was used least recently, as much as is beyond the budget', () => {
    assert.deepEqual(digests(evicted(layers, new Set(), 119)), ['old'])
    assert.deepEqual(digests(evicted(layers, new Set(), 79)), ['between', 'old'])
    assert.deepEqual(digests(evicted(layers, new Set(), 0)), ['new', 'between', 'old'])
  })

  it('is never what is in use, which takes nothing of the budget', () => {
    assert.deepEqual(digests(evicted(layers, new Set(['old', 'new'] as LayerDigest[]), 0)), ['between'])
    assert.deepEqual(evicted(layers, new Set(['old', 'new'] as LayerDigest[]), 40), [])
  })
})
