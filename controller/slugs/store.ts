/** Where layers are kept: a folder of the controller's, or a bucket. */
import type { SlugStore } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { openLayers, type Layers } from '../layers.ts'
import { moveInto } from './move.ts'

/**
 * The store that the settings name. Where that is a bucket, layers that still lie in the folder move there.
 * @throws FOLDER_NOT_USABLE, SLUG_STORE_NOT_USABLE
 */
export async function openSlugStore(
  folder: string,
  bucket: SlugStore | null,
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<Layers> {
  const local = await openLayers(folder)
  if (bucket === null) return local
  // Who keeps slugs in a folder does not pay for the code that speaks to buckets.
  const { openBucket } = await import('./bucket.ts')
  const remote = await openBucket(bucket, folder)
  return moveInto(remote, local, { log, signal })
}
