/**
 * The life of an instance that runs once. At most once is its promise: before anything of it is made the store knows that
 * this host has begun it, and what was begun and cannot be found any more is lost, never begun again.
 */
import { APP_UID } from '#core/domain/app.ts'
import { messageOf } from '#core/domain/errors.ts'
import type { EventKind } from '#core/domain/event.ts'
import { nextState, processName } from '#core/domain/instance.ts'
import type { Once } from '#core/domain/run.ts'
import { sleep } from '#core/runtime/clock.ts'
import { diagnoseRun, diagnoseStart, type Diagnosis, type RunEnding } from '../health/health.ts'
import type { Follower } from '../logs.ts'
import { diskUse, isSandboxRunning, stopSandbox, waitForSandbox, type SandboxHandle } from '../sandbox/index.ts'
import { openStreams, type Streams } from '../sandbox/streams.ts'
import type { InstanceRecord } from './record.ts'
import type { Session } from './session.ts'
import type { SupervisorContext } from './supervisor.ts'

/** What the lives of all instances share. */
export type OnceParts = {
  context: SupervisorContext
  start(record: InstanceRecord, signal: AbortSignal, streams: Streams | null): Promise<SandboxHandle>
  follow(record: InstanceRecord): Follower
  cleanUp(record: InstanceRecord): Promise<void>
  say(record: InstanceRecord, line: string): Promise<void>
  tell(record: InstanceRecord, kind: EventKind, text: string, lastOutput?: string[]): Promise<void>
}

type Ended = { diagnosis: Diagnosis; exitCode: number | null; lastOutput: string[] }
type Because = RunEnding['because']

const DELIVER_EVERY_MS = 1_000

/**
 * @param stopping aborts when it is to end
 * @param leaving aborts when this agent ends: the run goes on, for the next one to find
 */
export async function liveOnce(
  record: InstanceRecord,
  stopping: AbortSignal,
  leaving: AbortSignal,
  parts: OnceParts,
): Promise<void> {
  if (record.reported.state === 'stopped') return deliver(record, leaving, parts)
  let session: Session | null = null
  const ended = await runToEnd(record, stopping, leaving, parts, (opened) => (session = opened))
  if (ended === null) return
  await conclude(record, ended, parts)
  const { diagnosis, exitCode } = ended
  const told = (session as Session | null)?.finish({ reason: diagnosis.reason, exitCode, detail: diagnosis.detail })
  await deliver(record, leaving, parts)
  await told
}

/** @returns null when this agent leaves first */
async function runToEnd(
  record: InstanceRecord,
  stopping: AbortSignal,
  leaving: AbortSignal,
  parts: OnceParts,
  onSession: (session: Session) => void,
): Promise<Ended | null> {
  const { desired, sandbox } = record
  const { streams: kind } = onceOf(record)
  if (sandbox) return watchAdopted(record, sandbox, stopping, leaving, parts)
  if (record.begun) return without(record, 'lost')
  const ending = AbortSignal.any([stopping, leaving])
  if (kind === 'log') return runDetached(record, stopping, leaving, parts)
  const session = await parts.context.openSession(desired.id, ending).catch((error: unknown) => {
    parts.context.log.info('session not opened', { instance: desired.id, error })
    return null
  })
  if (leaving.aborted) return null
  if (session === null) return without(record, stopping.aborted ? 'stopped' : 'clientGone')
  onSession(session)
  return runAttached(record, kind, session, stopping, leaving, parts)
}

async function runDetached(
  record: InstanceRecord,
  stopping: AbortSignal,
  leaving: AbortSignal,
  parts: OnceParts,
): Promise<Ended | null> {
  const begun = await begin(record, null, stopping, leaving, parts)
  return 'sandbox' in begun ? watchFollowed(record, begun.sandbox, stopping, leaving, parts) : begun.ended
}

async function runAttached(
  record: InstanceRecord,
  kind: 'pipes' | 'terminal',
  session: Session,
  stopping: AbortSignal,
  leaving: AbortSignal,
  parts: OnceParts,
): Promise<Ended | null> {
  const { host } = parts.context
  const streams = await openStreams(kind, host.runFolder, record.desired.uidBase + APP_UID)
  session.copy(streams)
  const begun = await begin(record, streams, AbortSignal.any([stopping, session.gone]), leaving, parts)
  if ('ended' in begun) {
    streams.close()
    return begun.ended && session.gone.aborted ? without(record, 'clientGone') : begun.ended
  }
  parts.context.meter.countOutput(begun.sandbox, () => session.bytes())
  session.begin()
  return watch(record, begun.sandbox, { stopping, leaving, gone: session.gone }, parts)
}

/** Claims the run and starts its process. */
async function begin(
  record: InstanceRecord,
  streams: Streams | null,
  stopping: AbortSignal,
  leaving: AbortSignal,
  parts: OnceParts,
): Promise<{ sandbox: SandboxHandle } | { ended: Ended | null }> {
  const ending = AbortSignal.any([stopping, leaving])
  try {
    await claim(record, ending, parts)
    const sandbox = await parts.start(record, ending, streams)
    report(record, 'running', {}, parts)
    await parts.context.report(record.desired.id, record.reported).catch(() => undefined)
    return { sandbox }
  } catch (error) {
    if (leaving.aborted) return { ended: null }
    if (stopping.aborted) return { ended: without(record, 'stopped') }
    parts.context.log.warn('run not started', { instance: record.desired.id, error })
    return { ended: { diagnosis: diagnoseStart(messageOf(error)), exitCode: null, lastOutput: [] } }
  }
}

/** From here on the store knows that this host has begun it, whatever becomes of this host's own memory. */
async function claim(record: InstanceRecord, signal: AbortSignal, { context }: OnceParts): Promise<void> {
  report(record, 'starting', {}, { context })
  for (;;) {
    signal.throwIfAborted()
    const taken = await context.report(record.desired.id, record.reported).catch(() => null)
    if (taken === true) return
    if (taken === false) throw new Error('It is not wanted any more.')
    await sleep(DELIVER_EVERY_MS, signal)
  }
}

/** A detached one goes on; one that somebody was attached to has lost its session with the agent before. */
async function watchAdopted(
  record: InstanceRecord,
  sandbox: SandboxHandle,
  stopping: AbortSignal,
  leaving: AbortSignal,
  parts: OnceParts,
): Promise<Ended | null> {
  if (onceOf(record).streams === 'log') return watchFollowed(record, sandbox, stopping, leaving, parts)
  const { host } = parts.context
  if (!(await isSandboxRunning(sandbox))) return watch(record, sandbox, { stopping, leaving, gone: null }, parts)
  await stopSandbox(host, sandbox, record.desired.graceMs)
  return endedBecause(record, sandbox, null, 'lost', [], parts)
}

async function watchFollowed(
  record: InstanceRecord,
  sandbox: SandboxHandle,
  stopping: AbortSignal,
  leaving: AbortSignal,
  parts: OnceParts,
): Promise<Ended | null> {
  const output = parts.follow(record)
  try {
    return await watch(record, sandbox, { stopping, leaving, gone: null }, parts, output)
  } finally {
    await output.stop()
  }
}

type Signals = { stopping: AbortSignal; leaving: AbortSignal; gone: AbortSignal | null }

/** Until it ends, or is to be ended. */
async function watch(
  record: InstanceRecord,
  sandbox: SandboxHandle,
  { stopping, leaving, gone }: Signals,
  parts: OnceParts,
  output: Follower | null = null,
): Promise<Ended | null> {
  const { host, now } = parts.context
  const late = AbortSignal.timeout(Math.max(0, sandbox.startedAt + onceOf(record).timeoutMs - now()))
  const ending = AbortSignal.any([stopping, leaving, late, ...(gone ? [gone] : [])])
  const exitCode = await waitForSandbox(host, sandbox, ending)
  if (exitCode === null && leaving.aborted) return null
  const because: Because =
    exitCode !== null ? null : late.aborted ? 'timedOut' : gone?.aborted ? 'clientGone' : 'stopped'
  await stopSandbox(host, sandbox, because === null ? 0 : record.desired.graceMs)
  await output?.stop()
  return endedBecause(record, sandbox, exitCode, because, output?.last() ?? [], parts)
}

async function endedBecause(
  record: InstanceRecord,
  sandbox: SandboxHandle,
  exitCode: number | null,
  because: Because,
  lastOutput: string[],
  { context }: OnceParts,
): Promise<Ended> {
  const sample = await context.meter.finish(sandbox)
  const diagnosis = diagnoseRun({
    exitCode,
    because,
    oomKills: sample?.oomKills ?? 0,
    disk: diskUse(context.host, sandbox.id),
    memoryMb: record.desired.size.memoryMb,
    timeoutMs: onceOf(record).timeoutMs,
    lastOutput,
  })
  return { diagnosis, exitCode, lastOutput }
}

/** One that has no process. */
const without = (record: InstanceRecord, because: NonNullable<Because>): Ended => ({
  diagnosis: diagnoseRun({
    exitCode: null,
    because,
    oomKills: 0,
    disk: null,
    memoryMb: record.desired.size.memoryMb,
    timeoutMs: onceOf(record).timeoutMs,
    lastOutput: [],
  }),
  exitCode: null,
  lastOutput: [],
})

/** Its end is on this host's disk before anything of it goes, and in the store before it is forgotten here. */
async function conclude(
  record: InstanceRecord,
  { diagnosis, exitCode, lastOutput }: Ended,
  parts: OnceParts,
): Promise<void> {
  const { reason, sentence, detail } = diagnosis
  report(record, 'stopped', { reason, detail, exitCode }, parts)
  await parts.cleanUp(record)
  await parts.tell(record, reason, `${processName(record.desired)} ${sentence}`, lastOutput)
  parts.context.log.info('run ended', { instance: record.desired.id, app: record.desired.appName, reason, exitCode })
}

async function deliver(record: InstanceRecord, leaving: AbortSignal, { context }: OnceParts): Promise<void> {
  while (!leaving.aborted) {
    const heard = await context.report(record.desired.id, record.reported).then(
      () => true,
      () => false,
    )
    if (heard) return context.records.remove(record.desired.id)
    await sleep(DELIVER_EVERY_MS, leaving)
  }
}

const events = { starting: 'claimed', running: 'ready', stopped: 'ended' } as const

function report(
  record: InstanceRecord,
  wanted: keyof typeof events,
  facts: Partial<InstanceRecord['reported']>,
  { context }: Pick<OnceParts, 'context'>,
): void {
  const { reported, desired } = record
  const state = reported.state === wanted ? wanted : nextState(reported.state, events[wanted])
  if (state === null) return
  record.reported = { ...reported, ...facts, state, epoch: desired.epoch, since: context.now() }
  context.records.save(record)
}

function onceOf({ desired }: InstanceRecord): Once {
  if (!desired.once) throw new Error(`${desired.id} is kept running, and has no end of its own.`)
  return desired.once
}
