/**
 * The meter: looks at the kernel's cumulative counters of every sandbox each 10 s and hands what it finds to the ledger,
 * which counts each sample once. Nothing depends on a delivery: what was not taken is delivered again, later, by this
 * agent or by its successor.
 */
import { join } from 'node:path'
import type { AppId, HostId, InstanceId, TenantId } from '#core/domain/ids.ts'
import type { InstanceStats } from '#core/domain/instance.ts'
import { addUsage, noUsage, subtractUsage, type UsageTotals } from '#core/domain/usage.ts'
import { repeat, sleep } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import type { Store } from '#core/store/connection.ts'
import { reportStats } from '#core/store/instances.ts'
import { recordUsage, type UsageSample } from '#core/store/usage.ts'
import type { Folders } from './host.ts'
import {
  advance,
  beginLife,
  cpuMilliBetween,
  nextLook,
  sampleOf,
  SAMPLE_EVERY_MS,
  subjectOf,
  type Instant,
  type Life,
  type Owner,
} from './metering/life.ts'
import { openMemory, type Remembered } from './metering/memory.ts'
import { isSameMinute, merge } from './metering/samples.ts'
import { openSpool } from './metering/spool.ts'
import { sampleSandbox, type Sample, type SandboxHandle, type SandboxHost } from './sandbox/index.ts'

export { ownerOf, type Owner } from './metering/life.ts'

export type Meter = {
  /** @param writable where the image is mounted that it writes to, if that is not its own scratch image */
  track(owner: Owner, sandbox: SandboxHandle, writable?: string): void
  /** Counts what it prints from now on. @param bytes how much that is by now */
  countOutput(sandbox: Named, bytes: () => number): void
  /** Takes the last sample, and keeps it until the ledger has it; to be called before the sandbox's cgroup goes. */
  finish(sandbox: Named): Promise<Sample | null>
  /** Lives that go on, or went on when the agent before this one looked last. */
  lives(): Life[]
  /** What ran here lately, by app, since the agent started. */
  apps(): AppFigures[]
  figures(): MeterFigures
  stop(): Promise<void>
}

type Named = Pick<SandboxHandle, 'id'>

export type MeterFigures = {
  /** Looks at sandboxes, and the time that they took, in seconds. */
  looks: number
  lookSeconds: number
  delivered: number
  failures: number
  /** Samples that wait for the ledger, and the size of those that wait on disk. */
  unsent: number
  spoolBytes: number
}

export type AppFigures = {
  tenantId: TenantId
  appId: AppId
  /** What its lives used while this agent ran, those that are over included. */
  used: UsageTotals
  sandboxes: Record<Owner['kind'], number>
  pids: number
  memoryBytes: number
  diskBytes: number
}

/** A life, and what the agent needs for it only while it runs itself. */
type Entry = Remembered & { adopted: UsageTotals; due: number; loggedBefore: number; logged: () => number }

const TICK_MS = 1_000
/** The last sample of a life that the ledger does not take for so long goes to the disk. */
const LATE_MS = 60_000
/** An app that ran here so long ago is no longer told to Prometheus. */
const FORGET_APPS_MS = 3600_000
/** The agent's end does not wait longer for a store that does not answer. */
const FAREWELL_MS = 3_000

/** Of a life that an earlier agent began, only what came since. */
const usedSince = ({ life, adopted }: Entry): UsageTotals => subtractUsage(life.usage, adopted)

const unsentOf = (entries: Entry[]): UsageSample[] => entries.flatMap(({ unsent }) => (unsent ? [unsent] : []))

export function startMeter(context: {
  store: Store
  log: Log
  hostId: HostId
  host: SandboxHost
  folders: Pick<Folders, 'agent' | 'run'>
  now: () => number
}): Meter {
  const { store, log, host, folders } = context
  const memory = openMemory(join(folders.run, 'meter'))
  const spool = openSpool(join(folders.agent, 'spool'), log)
  const stopping = new AbortController()
  /** Lives that go on, by the sandbox's id. */
  const going = new Map<string, Entry>()
  /** Lives that are over and whose last sample the ledger does not have yet. */
  const ended = new Set<Entry>()
  const stats = new Map<InstanceId, InstanceStats>()
  /** What the lives that ended under this agent used, by app. */
  const past = new Map<AppId, { tenantId: TenantId; used: UsageTotals; at: number }>()
  const figures = { looks: 0, lookSeconds: 0, delivered: 0, failures: 0 }
  let delivering: Promise<void> | null = null
  let away = false

  const instant = (): Instant => ({ at: context.now(), uptimeMs: Number(process.hrtime.bigint() / 1_000_000n) })

  for (const remembered of memory.loadAll()) {
    const entry = entryOf(remembered)
    if (entry.ended) ended.add(entry)
    else going.set(entry.life.sandbox.id, entry)
  }

  function entryOf(remembered: Remembered): Entry {
    const { seen, usage, sandbox } = remembered.life
    return {
      ...remembered,
      adopted: usage,
      due: remembered.life.last ? nextLook(seen.at, sandbox.id) : seen.at + TICK_MS,
      loggedBefore: usage.logBytes,
      logged: () => 0,
    }
  }

  /** @returns what the kernel said, or null when it says nothing of the sandbox any more */
  function tryLook(entry: Entry): Sample | null {
    try {
      return look(entry)
    } catch (error) {
      log.error('sandbox not metered any more', { sandbox: entry.life.sandbox.id, error })
      return null
    }
  }

  function look(entry: Entry): Sample | null {
    const { sandbox, writable, owner } = entry.life
    const began = performance.now()
    const sample = sampleSandbox(host, sandbox, writable ?? undefined)
    figures.looks += 1
    figures.lookSeconds += (performance.now() - began) / 1000
    if (!sample) return null
    const before = entry.life
    const seen = instant()
    entry.life = advance(before, sample, seen, entry.loggedBefore + entry.logged())
    entry.due = nextLook(seen.at, sandbox.id)
    const cpuMilli = cpuMilliBetween(before, entry.life)
    if (owner.instanceId)
      stats.set(owner.instanceId, {
        at: seen.at,
        cpuMilli: cpuMilli ?? 0,
        memoryBytes: sample.memoryBytes,
        diskBytes: sample.diskBytes,
      })
    return sample
  }

  /** Puts a life's newest sample in line for the ledger; an unsent one of an earlier minute goes to the spool. */
  function queue(entry: Entry, spooled: UsageSample[]): void {
    const sample = sampleOf(entry.life, entry.ended)
    const { unsent } = entry
    if (unsent && !isSameMinute(unsent, sample)) spooled.push(unsent)
    entry.unsent = unsent && isSameMinute(unsent, sample) ? merge(unsent, sample) : sample
  }

  function end(entry: Entry): Sample | null {
    const sample = tryLook(entry)
    close(entry)
    return sample
  }

  /** The life is over; its last sample stays until the ledger has it. */
  function close(entry: Entry): void {
    const { sandbox, owner } = entry.life
    const spooled: UsageSample[] = []
    going.delete(sandbox.id)
    ended.add(entry)
    entry.ended = true
    if (owner.instanceId) stats.delete(owner.instanceId)
    queue(entry, spooled)
    past.set(owner.appId, {
      tenantId: owner.tenantId,
      used: addUsage(past.get(owner.appId)?.used ?? noUsage, usedSince(entry)),
      at: context.now(),
    })
    forgetApps()
    keep(() => {
      // In this order: killed in between, the agent delivers twice, which counts once.
      spool.append(spooled)
      memory.save(entry)
    })
  }

  function lookAround(): void {
    const at = context.now()
    const spooled: UsageSample[] = []
    const looked: Entry[] = []
    for (const entry of [...going.values()]) {
      // Where the clock was set back, waiting for the time that was meant would take for ever.
      if (entry.due > at && entry.due - at <= 2 * SAMPLE_EVERY_MS) continue
      if (tryLook(entry)) looked.push(entry)
      else close(entry)
    }
    for (const entry of looked) queue(entry, spooled)
    const late = [...ended].filter(({ unsent }) => unsent && at - unsent.at > LATE_MS)
    const kept = keep(() => spool.append([...spooled, ...unsentOf(late)]))
    keep(() => looked.forEach((entry) => memory.save(entry)))
    if (kept) late.forEach(forget)
  }

  /** A disk that is full must not keep an instance from being stopped, nor a sample from being delivered. */
  function keep(write: () => void): boolean {
    try {
      write()
      return true
    } catch (error) {
      log.error('samples cannot be kept on disk; a restart of the agent would lose them', { error })
      return false
    }
  }

  function forget(entry: Entry): void {
    ended.delete(entry)
    memory.forget(entry.life)
  }

  async function deliver(): Promise<void> {
    await spool.drain((samples) => send(samples), context.now())
    const waiting = [...ended, ...going.values()].flatMap((entry) =>
      entry.unsent ? [{ entry, sample: entry.unsent }] : [],
    )
    if (waiting.length > 0) await send(waiting.map(({ sample }) => sample))
    for (const { entry, sample } of waiting) {
      // A newer one may have come meanwhile.
      if (entry.unsent !== sample) continue
      entry.unsent = null
      if (entry.ended) forget(entry)
    }
    if (stats.size > 0) {
      const fresh = new Map(stats)
      stats.clear()
      await reportStats(store, context.hostId, fresh)
    }
    if (away) log.info('the ledger takes samples again')
    away = false
  }

  async function send(samples: UsageSample[]): Promise<void> {
    await recordUsage(store, samples)
    figures.delivered += samples.length
  }

  /** One delivery at a time, and no look has to wait for it. */
  function deliverSoon(): void {
    delivering ??= deliver()
      .catch((error: unknown) => {
        figures.failures += 1
        if (!away) log.warn('the ledger does not take samples; they are kept', { error })
        away = true
      })
      .finally(() => (delivering = null))
  }

  function forgetApps(): void {
    const here = new Set([...going.values()].map(({ life }) => life.owner.appId))
    for (const [appId, { at }] of past) if (context.now() - at > FORGET_APPS_MS && !here.has(appId)) past.delete(appId)
  }

  function apps(): AppFigures[] {
    forgetApps()
    const all = new Map<AppId, AppFigures>()
    const none = { used: noUsage, sandboxes: { instance: 0, build: 0 }, pids: 0, memoryBytes: 0, diskBytes: 0 }
    for (const [appId, { tenantId, used }] of past) all.set(appId, { ...none, tenantId, appId, used })
    for (const entry of going.values()) {
      const { tenantId, appId, kind } = entry.life.owner
      const { last } = entry.life
      const app = all.get(appId) ?? { ...none, tenantId, appId }
      all.set(appId, {
        ...app,
        used: addUsage(app.used, usedSince(entry)),
        sandboxes: { ...app.sandboxes, [kind]: app.sandboxes[kind] + 1 },
        pids: app.pids + (last?.pids ?? 0),
        memoryBytes: app.memoryBytes + (last?.memoryBytes ?? 0),
        diskBytes: app.diskBytes + (last?.diskBytes ?? 0),
      })
    }
    return [...all.values()]
  }

  async function lastDelivery(): Promise<void> {
    await delivering
    deliverSoon()
    await delivering
  }

  const ticks = repeat(
    TICK_MS,
    () => {
      lookAround()
      deliverSoon()
      return Promise.resolve()
    },
    stopping.signal,
    (error) => log.error('sampling failed', { error }),
  )

  return {
    track(owner, sandbox, writable) {
      const known = going.get(sandbox.id)
      if (known && subjectOf(known.life.sandbox) === subjectOf(sandbox)) return
      // Its cgroup went with it and is another's now: what it used last is not known any more.
      if (known) close(known)
      const entry = entryOf({
        life: beginLife(owner, sandbox, writable ?? null, instant()),
        unsent: null,
        ended: false,
      })
      going.set(sandbox.id, entry)
      memory.save(entry)
    },
    countOutput({ id }, bytes) {
      const entry = going.get(id)
      if (!entry) return
      entry.loggedBefore += entry.logged()
      entry.logged = bytes
    },
    finish({ id }) {
      const entry = going.get(id)
      return Promise.resolve(entry ? end(entry) : null)
    },
    lives: () => [...going.values()].map(({ life }) => life),
    apps,
    figures: () => ({
      ...figures,
      unsent: unsentOf([...ended, ...going.values()]).length,
      spoolBytes: spool.bytes(),
    }),
    async stop() {
      stopping.abort()
      await ticks
      if (store.status === 'ready') await Promise.race([lastDelivery(), sleep(FAREWELL_MS)])
      // tmpfs does not outlive the host.
      if (keep(() => spool.append(unsentOf([...ended, ...going.values()])))) [...ended].forEach(forget)
    },
  }
}
