/** What the deploy story works with. Made in controller/index.ts. */
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import type { HostQueues } from '../queues.ts'
import type { Changes } from './changes.ts'
import type { Sealer } from '../secrets.ts'
import type { Turns } from '../turns.ts'

export type DeployContext = {
  store: Store
  config: Config
  log: Log
  queues: HostQueues
  sealer: Sealer
  turns: Turns
  random: (bytes: number) => Uint8Array
  now: () => number
  /** Tells the reconciler to look now. */
  wake: () => void
}

/** What a walk works with besides. */
export type WalkContext = DeployContext & { changes: Changes }
