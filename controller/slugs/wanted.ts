/** Keeps a layer from being collected between its arrival and the release that names it. */
import { unavailable } from '#core/domain/errors.ts'
import type { LayerDigest } from '#core/domain/ids.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Store } from '#core/store/connection.ts'
import { wantLayer } from '#core/store/layers.ts'

const LOOK_EVERY_MS = 50
const PATIENCE_MS = 5_000

/**
 * Says that somebody is about to use a layer. One that is being deleted at this very moment is waited for, since whether
 * it is there is not true until then.
 * @throws UNAVAILABLE when that does not end
 */
export async function want(
  { store, now, signal }: { store: Store; now: () => number; signal: AbortSignal },
  digest: LayerDigest,
): Promise<void> {
  for (let waited = 0; waited <= PATIENCE_MS; waited += LOOK_EVERY_MS) {
    if (await wantLayer(store, digest, now())) return
    await sleep(LOOK_EVERY_MS, signal)
  }
  throw unavailable(`Layer ${digest}, which is being deleted,`)
}
