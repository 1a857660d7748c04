/**
 * Ends everything that this Berth runs on the host: for the end of `npm run up`, or of a host. Works from what is on the
 * machine, not from an agent's memory, so it also cleans up after one that was killed.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Reported } from '#core/domain/instance.ts'
import type { Config } from '#core/runtime/config.ts'
import type { Log } from '#core/runtime/log.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { reportInstance } from '#core/store/instances.ts'
import { knownRedisUrl } from './admission.ts'
import { findSlot, foldersOf, isLastSlot, releaseSlot, runtimePath } from './host.ts'
import { openRecords, type InstanceRecord } from './instance/record.ts'
import { startMeter, type Meter } from './metering.ts'
import { removeCgroup, slotPath } from './sandbox/cgroup.ts'
import { releaseCgroups } from './sandbox/cgroup-mounts.ts'
import { killCgroup } from './sandbox/freezer.ts'
import { unmountBelow } from './sandbox/mounts.ts'
import { stopSandbox, type SandboxHost } from './sandbox/index.ts'
import { removeNetwork } from './sandbox/network.ts'

/** How long instances may take to end in good order when the host stops. */
const GRACE_MS = 10_000

export async function teardown(config: Config, log: Log): Promise<void> {
  const slot = await findSlot(config.home)
  const folders = foldersOf(config.home)
  if (slot === null) return
  const host: SandboxHost = {
    slot,
    folder: folders.sandboxes,
    runFolder: folders.run,
    rootPath: folders.stack,
    runtime: await runtimePath(config.ociRuntime),
    commonBinds: [],
  }
  const records = existsSync(join(folders.run, 'instances'))
    ? await (await openRecords(join(folders.run, 'instances'))).loadAll()
    : []
  const store = connectStore(await knownRedisUrl(config))
  // It goes on with the lives that the agent metered; what the ledger does not take is left to the next agent.
  const meter = startMeter({ store, log, hostId: config.hostId, host, folders, now: () => Date.now() })
  await Promise.all(
    records.map((record) =>
      endInstance({ store, meter, config, host }, record).catch((error: unknown) =>
        log.warn('instance not ended in good order', { instance: record.desired.id, error }),
      ),
    ),
  )
  await killCgroup(slotPath(slot))
  for (const { sandbox } of meter.lives()) await meter.finish(sandbox)
  await meter.stop()
  store.disconnect()
  await endConmons(folders.run)
  await removeNetwork(slot)
  await unmountBelow(folders.agent)
  await removeCgroup(slotPath(slot))
  await rm(folders.sandboxes, { recursive: true, force: true })
  await rm(folders.builds, { recursive: true, force: true })
  await releaseSlot(slot)
  if (await isLastSlot()) await releaseCgroups()
  log.info('host cleared', { instances: records.length })
}

/** Stops one instance, counts the last of its use and says that it does not run, so that no route points at it. */
async function endInstance(
  { store, meter, config, host }: { store: Store; meter: Meter; config: Config; host: SandboxHost },
  record: InstanceRecord,
): Promise<void> {
  const { desired, sandbox, reported } = record
  if (sandbox) {
    await stopSandbox(host, sandbox, Math.min(GRACE_MS, desired.graceMs))
    await meter.finish(sandbox)
  }
  if (desired.once) return endRun(store, config, record)
  await reportInstance(store, config.hostId, desired.id, {
    ...reported,
    state: reported.state === 'failed' ? 'failed' : 'pending',
    address: null,
    reason: 'hostStopped',
    detail: 'Its host was stopped; it starts again with it.',
    since: Date.now(),
  })
}

/** A run is not begun again. */
async function endRun(store: Store, config: Config, { desired, reported }: InstanceRecord): Promise<void> {
  if (reported.state === 'stopped') return
  const detail = 'was ended: its host was stopped.'
  const stopped: Reported = { ...reported, state: 'stopped', reason: 'hostStopped', detail, since: Date.now() }
  await reportInstance(store, config.hostId, desired.id, stopped)
}

/** conmon ends by itself when its process has; one that hangs would keep the mounts. */
async function endConmons(runFolder: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (commandLine.startsWith('conmon\0') && commandLine.includes(`${runFolder}/`)) kill(Number(pid))
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}
