/** Follows a deploy to its end by its log in Redis, so that it does not matter which process runs the deploy. */
import { isOver, type Deploy } from '#core/domain/release.ts'
import type { DeployId } from '#core/domain/ids.ts'
import { sleep } from '#core/runtime/clock.ts'
import type { Store } from '#core/store/connection.ts'
import { loadDeploy, readDeployLog } from '#core/store/deploys.ts'

const LOOK_EVERY_MS = 150
const PATIENCE_MS = 120_000

type Following = {
  store: Store
  id: DeployId
  onLine: (line: string) => void | Promise<void>
  signal: AbortSignal
  now: () => number
}

/**
 * Calls `onLine` for each line of the log, from the first, as they come.
 * @returns the deploy as it ended; null when it is gone (its app was destroyed) or the signal came first
 * @throws when Redis stays away for two minutes; shorter outages are waited through, since the deploy goes on
 */
export async function followDeploy({ store, id, onLine, signal, now }: Following): Promise<Deploy | null> {
  let after = '0'
  let reached = now()
  while (!signal.aborted) {
    try {
      // In this order: what is said before the deploy is over is in the log by then.
      const deploy = await loadDeploy(store, id)
      for (let batch = await readDeployLog(store, id, after); batch.lines.length > 0;) {
        for (const line of batch.lines) await onLine(line)
        after = batch.next
        batch = await readDeployLog(store, id, after)
      }
      if (deploy === null || isOver(deploy)) return deploy
      reached = now()
    } catch (error) {
      if (now() - reached > PATIENCE_MS) throw error
    }
    await sleep(LOOK_EVERY_MS, signal)
  }
  return null
}
