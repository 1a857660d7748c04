/**
 * The lives of this host's instances. `ensure` makes one as desired, and is what a queued job and the periodic sync both
 * call; what happens in between is driven by the state table of core/domain/instance.ts.
 */
import type { Log } from '#core/runtime/log.ts'
import { sleep } from '#core/runtime/clock.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { AppEvent, EventKind } from '#core/domain/event.ts'
import { defaultHealthCheck, type HealthCheck } from '#core/domain/health-check.ts'
import type { AppId, DeployId, HostId, InstanceId, TenantId } from '#core/domain/ids.ts'
import { nextState, processName, type Desired, type InstanceEvent, type Reported } from '#core/domain/instance.ts'
import type { TenantShare } from '#core/domain/quota.ts'
import { WEB } from '#core/domain/release.ts'
import type { Resources } from '#core/domain/resources.ts'
import type { ControllerClient } from '../controller-client.ts'
import { diagnoseExit, diagnoseStart, type Diagnosis } from '../health/health.ts'
import { probe } from '../health/probe.ts'
import { untilReady } from '../health/readiness.ts'
import type { Outbox } from '../outbox.ts'
import type { Preparations, Prepared } from '../prepared.ts'
import { followOutput, type Follower } from '../logs.ts'
import { ownerOf, type Meter } from '../metering.ts'
import type { OutputLine } from '../output.ts'
import { APP_PORT, publishedPort, type Places } from '../ports.ts'
import type { Runtimes } from '../runtimes/index.ts'
import {
  addressOf,
  cgroupOf,
  createSandbox,
  diskUse,
  logOf,
  removeSandbox,
  stopSandbox,
  waitForSandbox,
  type SandboxHandle,
  type SandboxHost,
} from '../sandbox/index.ts'
import { commandLine, listeningPorts } from '../sandbox/process.ts'
import type { Streams } from '../sandbox/streams.ts'
import type { Layers } from '../slug.ts'
import type { Stacks } from '../stacks.ts'
import { appliedOf, createAdjuster, limitsOf } from './adjust.ts'
import { notRead, type InstanceRecord, type Records } from './record.ts'
import { liveOnce, type OnceParts } from './once.ts'
import { afterExit } from './restart.ts'
import type { Session } from './session.ts'

export type SupervisorContext = {
  log: Log
  hostId: HostId
  host: SandboxHost
  /** Address of this host that its instances are published at; null: their own addresses are reachable. */
  hostAddress: string | null
  /** The most that a start may take, whatever its health check asks for. */
  bootTimeoutMs: number
  controller: ControllerClient
  layers: Layers
  stacks: Pick<Stacks, 'rootOf'>
  runtimes: Runtimes
  places: Places
  preparations: Preparations
  records: Records
  meter: Meter
  /** Variables that every sandbox gets, below the slug's and the app's. */
  baseEnv: Record<string, string>
  /** @returns false when it was not taken: the instance is gone, or another host's */
  report(id: InstanceId, reported: Reported): Promise<boolean>
  emit(app: AppId, event: AppEvent): Promise<void>
  /** Holds a tenant inside its share of this host; cheap when nothing changed. */
  hold(tenant: TenantId, share: TenantShare): Promise<void>
  /** Shows lines to whoever watches a deploy. */
  print(deploy: DeployId, lines: string[]): Promise<void>
  openSession(id: InstanceId, signal: AbortSignal): Promise<Session>
  appendLog(app: AppId, desired: Desired, lines: OutputLine[]): Promise<void>
  /** Stores what an instance printed, each line once; see outbox.ts. */
  store: Outbox['store']
  now: () => number
}

export type Supervisor = {
  /** Makes an instance as desired; idempotent; an epoch lower than the known one is ignored. */
  ensure(desired: Desired, reported: Reported | null): void
  /** Takes over an instance that ran before this agent started. */
  adopt(record: InstanceRecord): void
  /** Ends an instance that nobody wants. */
  discard(id: InstanceId): void
  ids(): InstanceId[]
  inUse(): InstanceRecord[]
  /** An instance that has a process now, for who wants into it; null: there is none, or it is paused. */
  inside(id: InstanceId): { desired: Desired; sandbox: SandboxHandle } | null
  /** Records an event of an instance that lives here. */
  tell(id: InstanceId, kind: EventKind, text: string): Promise<void>
  /** Tries again what could not be brought about yet: a share or a limit that is still below what is used. */
  settle(): Promise<void>
  /** Lets go of all instances without touching them. */
  stop(): Promise<void>
}

type Life = { record: InstanceRecord; stopping: AbortController; done: Promise<void> }

const PAUSED_LOOK_MS = 500

export function createSupervisor(context: SupervisorContext): Supervisor {
  const { log, host, records, meter, places } = context
  const lives = new Map<InstanceId, Life>()
  const leaving = new AbortController()
  const adjuster = createAdjuster({
    log,
    host,
    records,
    wishes: () => [...lives.values()].map(({ record }) => record.desired),
    hold: (tenant, share) => context.hold(tenant, share),
    async report(id, reported) {
      await context.report(id, reported)
    },
    async refused(record, text) {
      await tell(record, 'resizeRefused', text)
    },
  })

  function begin(record: InstanceRecord): void {
    const life: Life = { record, stopping: new AbortController(), done: Promise.resolve() }
    lives.set(record.desired.id, life)
    life.done = live(life).finally(() => lives.delete(record.desired.id))
    void adjuster.adjust(record)
  }

  /** From the first start to the end: start, watch, and after an exit decide; until it is told to stop. */
  async function live(life: Life): Promise<void> {
    const { record, stopping } = life
    const ending = AbortSignal.any([stopping.signal, leaving.signal])
    try {
      if (record.desired.once) return await liveOnce(record, stopping.signal, leaving.signal, parts)
      while (!ending.aborted) {
        // One that ended while it was paused begins again when it is resumed.
        if (record.desired.paused && !record.sandbox) await sleep(PAUSED_LOOK_MS, ending)
        else if ((await oneRun(record, ending)) === 'failed') return
      }
      if (!leaving.signal.aborted) await drain(life)
    } catch (error) {
      if (leaving.signal.aborted) return
      log.error('instance lost its supervisor', { instance: record.desired.id, error })
      await cleanUp(record)
    }
  }

  /** One start and its end. @returns 'failed' when there will be no other */
  async function oneRun(record: InstanceRecord, ending: AbortSignal): Promise<'failed' | 'again'> {
    const began = context.now()
    let diagnosis: Diagnosis
    let lastOutput: string[] = []
    let wasReady = record.reported.state === 'running'
    try {
      const sandbox = record.sandbox ?? (await start(record, ending))
      const output = follow(record)
      try {
        const ended = await watchOver(record, sandbox, output, ending)
        if (ended === null) return 'again'
        wasReady ||= record.reported.state === 'running'
        diagnosis = ended
      } finally {
        await output.stop()
        lastOutput = output.last()
      }
    } catch (error) {
      if (ending.aborted) return 'again'
      diagnosis = diagnoseStart(messageOf(error))
      log.warn('instance start failed', { instance: record.desired.id, error })
    }
    const decision = afterExit({
      onExit: record.desired.onExit,
      wasReady,
      upMs: context.now() - began,
      restarts: record.restarts,
    })
    await tell(record, diagnosis.reason, `${processName(record.desired)} ${diagnosis.sentence}`, lastOutput)
    if (decision.kind === 'fail') {
      await cleanUp(record)
      await become(record, 'gaveUp', {
        reason: diagnosis.reason,
        detail: `${processName(record.desired)} ${diagnosis.detail}`,
        address: null,
      })
      return 'failed'
    }
    record.restarts = decision.restarts
    const detail = `${processName(record.desired)} ${diagnosis.detail} Restart ${decision.restarts} in ${Math.round(decision.delayMs / 1000)} s.`
    await become(record, 'exited', { reason: diagnosis.reason, detail, address: null, restarts: decision.restarts })
    await cleanUp(record)
    await sleep(decision.delayMs, ending)
    return 'again'
  }

  /** Layers and runtimes are shared; the place on the network is written down before anything is made there. */
  async function start(
    record: InstanceRecord,
    signal: AbortSignal,
    streams: Streams | null = null,
  ): Promise<SandboxHandle> {
    const { desired } = record
    const began = context.now()
    const claimed = record.reported.state === 'pending' ? become(record, 'claimed', {}) : Promise.resolve()
    record.launch ??= await context.controller.launch(desired.id, signal)
    const { slug, env, command } = record.launch
    const onProgress = (line: string) => void say(record, line)
    const [runtimes, layers] = await Promise.all([
      context.stacks
        .rootOf(desired.stack, signal)
        .then((root) => context.runtimes.mounts(slug.runtimes, { root, onProgress, signal })),
      context.layers.mount(slug.layers, signal),
      claimed,
    ])
    signal.throwIfAborted()
    if (desired.once) record.begun = true
    const prepared = takePlace(record)
    const { size, ceilings } = record.desired
    const share = adjuster.shareOf(desired)
    const limits = limitsOf({ ...record.desired, paused: false }, share)
    record.sandbox = await createSandbox(host, {
      id: desired.id,
      tenantId: desired.tenantId,
      appId: desired.appId,
      uidBase: desired.uidBase,
      rootPath: runtimes.root,
      hostname: `${desired.processType}-${desired.number}`,
      argv: commandLine(command, desired.once?.streams, desired.once?.window ?? undefined),
      env: { ...context.baseEnv, ...pathFor(runtimes.path), ...env, ...sizeFor(size), PORT: String(APP_PORT) },
      size,
      ceilings,
      share,
      files: { kind: 'layers', layers },
      binds: runtimes.binds,
      index: prepared.index,
      published: record.place?.published ?? null,
      preparedFolder: prepared.folder,
      streams,
    })
    record.applied = limits
    record.reported = { ...record.reported, startedMs: context.now() - began, applied: appliedOf(limits) }
    records.save(record)
    meter.track(ownerOf(desired), record.sandbox)
    // What was asked for while the sandbox was being made.
    void adjuster.adjust(record)
    log.info('instance started', {
      instance: desired.id,
      app: desired.appName,
      process: processName(desired),
      release: desired.release,
      startedMs: record.reported.startedMs,
    })
    return record.sandbox
  }

  /** A place that is prepared, if there is one; a new one to be made otherwise. */
  function takePlace(record: InstanceRecord): Prepared | { index: number; folder: null } {
    const { desired } = record
    const prepared = context.preparations.take(desired.size.diskMb) ?? { index: places.take(), folder: null }
    const { index } = prepared
    record.place = {
      index,
      // No router leads to what runs once.
      published: context.hostAddress === null || desired.once ? null : publishedPort(index, addressOf(host, { index })),
    }
    records.save(record)
    return prepared
  }

  function follow(record: InstanceRecord): Follower {
    const { desired } = record
    const limits = { from: record.output, kbPerSecond: desired.ceilings.logKbPerSecond }
    const follower = followOutput(logOf(host, desired.id), limits, async (batch) => {
      // Without an end of its own, what an agent that leaves could not store is there for the next one.
      const isLast = batch.isLast && !leaving.signal.aborted
      if ((await context.store({ app: desired.appId, desired, batch: { ...batch, isLast } })) === 'away') return 'away'
      if (desired.once?.deploy) await show(desired.once.deploy, batch.lines)
      record.output = { file: batch.file, offset: batch.lines.at(-1)?.end ?? record.output.offset }
      // On disk too, for an agent that takes over.
      records.save(record)
      return 'taken'
    })
    if (record.sandbox) meter.countOutput(record.sandbox, () => follower.bytes())
    return follower
  }

  async function show(deploy: DeployId, lines: OutputLine[]): Promise<void> {
    await context
      .print(
        deploy,
        lines.map(({ line }) => `       ${line}`),
      )
      .catch((error: unknown) => log.warn('output not shown', { deploy, error }))
  }

  /** @returns why it ended, or null when it is to be stopped (or left) */
  async function watchOver(
    record: InstanceRecord,
    sandbox: SandboxHandle,
    output: Follower,
    ending: AbortSignal,
  ): Promise<Diagnosis | null> {
    const exited = waitForSandbox(host, sandbox, ending)
    const silence =
      record.reported.state === 'running' ? null : await becomeReady(record, sandbox, output, exited, ending)
    if (silence) {
      await stopSandbox(host, sandbox, 0)
      return silence
    }
    const exitCode = await exited
    if (exitCode === null) return null
    await output.stop()
    const sample = await meter.finish(sandbox)
    return diagnoseExit({
      exitCode,
      oomKills: sample?.oomKills ?? 0,
      disk: diskUse(host, sandbox.id),
      wasReady: record.reported.state === 'running',
      memoryMb: record.desired.size.memoryMb,
      lastOutput: output.last(),
    })
  }

  /** @returns why it did not become ready in time; null when it did, or when it ended meanwhile */
  async function becomeReady(
    record: InstanceRecord,
    sandbox: SandboxHandle,
    output: Follower,
    exited: Promise<number | null>,
    ending: AbortSignal,
  ): Promise<Diagnosis | null> {
    const { desired } = record
    const over = new AbortController()
    void exited.then(() => over.abort())
    const at = { host: addressOf(host, sandbox), port: APP_PORT }
    const check = checkOf(record)
    const outcome = await untilReady(
      {
        check,
        startedAt: sandbox.startedAt,
        port: at.port,
        isPaused: () => record.desired.paused,
        ask: () => probe(check, at),
        listening: () => listeningPorts(sandbox.pid),
        lastOutput: () => output.last(),
        now: context.now,
      },
      AbortSignal.any([ending, over.signal]),
    )
    if (outcome !== 'ready') return outcome
    const published = record.place?.published
    const reachedAt = published && context.hostAddress ? { host: context.hostAddress, port: published.port } : at
    const address = desired.processType === WEB ? reachedAt : null
    const readyMs = context.now() - sandbox.startedAt + (record.reported.startedMs ?? 0)
    await become(record, 'ready', { address, reason: null, detail: null, readyMs })
    await tell(record, 'ready', `${processName(desired)} is ready after ${readyMs} ms.`)
    log.info('instance ready', { instance: desired.id, app: desired.appName, process: processName(desired), readyMs })
    return null
  }

  /** What its code and its owner ask for, within what this host's operator lets a start take. */
  function checkOf({ launch, desired }: InstanceRecord): HealthCheck {
    const check = launch?.health ?? defaultHealthCheck(desired.processType === WEB)
    return { ...check, startTimeoutMs: Math.min(check.startTimeoutMs, context.bootTimeoutMs) }
  }

  /** SIGTERM, grace, SIGKILL; then everything of it goes. */
  async function drain(life: Life): Promise<void> {
    const { record } = life
    await become(record, 'drain', {})
    let lastOutput: string[] = []
    if (record.sandbox) {
      const output = follow(record)
      await stopSandbox(host, record.sandbox, record.desired.graceMs)
      await output.stop()
      lastOutput = output.last()
    }
    await cleanUp(record)
    await become(record, 'exited', { address: null, reason: record.reported.reason ?? 'stopped' })
    await tell(
      record,
      'stopped',
      `${processName(record.desired)} (v${record.desired.release}) was stopped, as it was told.`,
      lastOutput,
    )
    records.remove(record.desired.id)
    log.info('instance stopped', {
      instance: record.desired.id,
      app: record.desired.appName,
      process: processName(record.desired),
    })
  }

  async function cleanUp(record: InstanceRecord): Promise<void> {
    const { desired, place, sandbox } = record
    if (sandbox) await meter.finish(sandbox)
    if (place) {
      await removeSandbox(host, desired.id, place.index, place.published, cgroupOf(host, desired))
      places.release(place.index)
    }
    record.place = null
    record.sandbox = null
    record.applied = null
    record.output = notRead
    records.save(record)
  }

  /** A step through the state table; what is not in it does not happen. Reporting is retried by the next sync. */
  async function become(record: InstanceRecord, event: InstanceEvent, facts: Partial<Reported>): Promise<void> {
    const state = nextState(record.reported.state, event)
    if (state === null) return
    record.reported = { ...record.reported, ...facts, state, epoch: record.desired.epoch, since: context.now() }
    records.save(record)
    await context
      .report(record.desired.id, record.reported)
      .catch((error: unknown) => log.warn('report not delivered', { instance: record.desired.id, error }))
  }

  async function tell(record: InstanceRecord, kind: EventKind, text: string, lastOutput: string[] = []): Promise<void> {
    const { id, appId, release } = record.desired
    const at = context.now()
    const process = processName(record.desired)
    await context
      .emit(appId, { at, kind, process, instance: id, host: context.hostId, release, actor: null, text, lastOutput })
      .catch((error: unknown) => log.warn('event not stored', { instance: id, kind, error }))
  }

  async function say(record: InstanceRecord, line: string): Promise<void> {
    await context
      .appendLog(record.desired.appId, record.desired, [
        { at: new Date(context.now()).toISOString(), source: 'platform', line },
      ])
      .catch(() => undefined)
  }

  const parts: OnceParts = { context, start, follow, cleanUp, say, tell }

  return {
    ensure(desired, reported) {
      const life = lives.get(desired.id)
      if (!life) return desired.intent === 'stop' ? settle(desired, reported) : admit(desired, reported)
      if (desired.epoch < life.record.desired.epoch) return
      const moved = desired.epoch > life.record.desired.epoch
      life.record.desired = desired
      if (desired.intent === 'stop') life.stopping.abort()
      else if (moved) void adjuster.adjust(life.record)
      else if (reported?.epoch !== life.record.reported.epoch || reported.state !== life.record.reported.state) {
        // A report was lost on the way (the store was away): say it again.
        void context.report(desired.id, life.record.reported).catch(() => undefined)
      }
    },
    adopt: begin,
    discard(id) {
      const life = lives.get(id)
      if (!life) return
      life.record.desired = {
        ...life.record.desired,
        intent: 'stop',
        graceMs: Math.min(life.record.desired.graceMs, 10_000),
      }
      life.stopping.abort()
    },
    ids: () => [...lives.keys()],
    inUse: () => [...lives.values()].map(({ record }) => record),
    inside(id) {
      const record = lives.get(id)?.record
      return record?.sandbox && !record.desired.paused ? { desired: record.desired, sandbox: record.sandbox } : null
    },
    async tell(id, kind, text) {
      const life = lives.get(id)
      if (life) await tell(life.record, kind, text)
    },
    settle: () => adjuster.settle([...lives.values()].map(({ record }) => record)),
    async stop() {
      leaving.abort()
      await Promise.all([...lives.values()].map(({ done }) => done))
    },
  }

  /** A first start, or one after a reboot. An instance that failed stays failed: the controller replaces it. */
  function admit(desired: Desired, reported: Reported | null): void {
    if (reported?.state === 'failed' && reported.epoch === desired.epoch) return
    if (desired.once && reported?.state === 'stopped') return
    const claimed = desired.once !== null && reported !== null && reported.state !== 'pending'
    begin({
      desired,
      launch: null,
      place: null,
      sandbox: null,
      applied: null,
      restarts: 0,
      output: notRead,
      // What an agent claimed whose memory is gone may have been run: it is not begun again.
      reported: claimed ? reported : newReport(desired, context.now()),
      begun: claimed,
    })
  }

  /** Told to stop what does not run here: it is stopped. */
  function settle(desired: Desired, before: Reported | null): void {
    if (desired.once && before?.state === 'stopped') return
    const reported: Reported = { ...newReport(desired, context.now()), state: 'stopped', reason: 'stopped' }
    records.remove(desired.id)
    void context.report(desired.id, reported).catch(() => undefined)
  }
}

const newReport = (desired: Desired, now: number): Reported => ({
  epoch: desired.epoch,
  state: 'pending',
  address: null,
  reason: null,
  detail: null,
  exitCode: null,
  restarts: 0,
  since: now,
  startedMs: null,
  readyMs: null,
  applied: null,
})

/** For programs that take as much as there is: not every host shows a sandbox its limits as the kernel's own figures. */
const sizeFor = ({ memoryMb, cpuMilli }: Resources): Record<string, string> => ({
  BERTH_MEMORY_MB: String(memoryMb),
  BERTH_CPUS: String(Math.ceil(cpuMilli / 1000)),
})

const pathFor = (folders: string[]): Record<string, string> => ({
  PATH: ['/app/node_modules/.bin', ...folders, '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
})
