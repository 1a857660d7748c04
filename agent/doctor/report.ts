/** Tells operators what `berth doctor` finds on this host, so that they need not go there: once an hour. */
import type { Config } from '#core/runtime/config.ts'
import { repeat, sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import { saveDiagnosis } from '#core/store/hosts.ts'
import { diagnose } from './checks.ts'
import { readFacts } from './read.ts'

const EVERY_MS = 3600_000
/** A host that starts has more to do than to look at itself. */
const FIRST_MS = 60_000

/** Until the signal. Nobody waits for its end. */
export async function keepDiagnosing(
  { store, config, log, now }: { store: Store; config: Config; log: Log; now: () => number },
  signal: AbortSignal,
): Promise<void> {
  const look = async () =>
    saveDiagnosis(store, config.hostId, { at: now(), findings: diagnose(await readFacts(config, now())) })
  await sleep(FIRST_MS, signal)
  await repeat(EVERY_MS, look, signal, (error) => log.warn('host not diagnosed', { error }))
}
