/** After a restart of the agent: running instances are adopted as they are, half-made ones are removed. */
import type { Log } from '#core/runtime/log.ts'
import { cgroupOf, endExecsOf, isSandboxRunning, removeSandbox, type SandboxHost } from '../sandbox/index.ts'
import { ownerOf, type Meter } from '../metering.ts'
import type { InstanceRecord, Records } from './record.ts'

/** @returns the instances to go on with: with their sandbox if it runs, without if it has to be started again */
export async function recover(context: {
  host: SandboxHost
  records: Records
  meter: Meter
  log: Log
}): Promise<InstanceRecord[]> {
  const { host, records, meter, log } = context
  const found = await records.loadAll()
  for (const record of found) {
    const { desired, sandbox, place } = record
    if (sandbox && (await isSandboxRunning(sandbox))) {
      meter.track(ownerOf(desired), sandbox)
      await endExecsOf(host, sandbox).catch((error: unknown) =>
        log.warn('left commands not ended', { instance: desired.id, error }),
      )
      log.info('instance adopted', { instance: desired.id, app: desired.appName })
      continue
    }
    // One that ended while nobody looked keeps its sandbox until the supervisor has read its exit code.
    if (sandbox || !place) continue
    await removeSandbox(host, desired.id, place.index, place.published, cgroupOf(host, desired))
    record.place = null
    records.save(record)
    log.info('half-made instance removed', { instance: desired.id, app: desired.appName })
  }
  // How a run ended may not have been delivered yet.
  return found.filter(
    ({ desired, reported }) => desired.once || (reported.state !== 'failed' && reported.state !== 'stopped'),
  )
}
