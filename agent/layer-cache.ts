/** Which layers a host gives up, so that those that nothing uses stay within a budget. */
import type { LayerDigest } from '#core/domain/ids.ts'

export type CachedLayer = { digest: LayerDigest; bytes: number; usedAt: number }

/**
 * The least recently used first, until the rest fits. What is in use does not count against the budget, and stays.
 * @param kept digests that must stay
 */
export function evicted(
  layers: readonly CachedLayer[],
  kept: ReadonlySet<LayerDigest>,
  budgetBytes: number,
): CachedLayer[] {
  const idle = layers.filter(({ digest }) => !kept.has(digest)).sort((a, b) => b.usedAt - a.usedAt)
  let bytes = 0
  return idle.filter((layer) => {
    bytes += layer.bytes
    return bytes > budgetBytes
  })
}
