import type { AppId, AppName, HostId, InstanceId, ProcessType, TenantId } from './ids.ts'
import type { TenantShare } from './quota.ts'
import type { Ceilings, Resources } from './resources.ts'
import type { Once } from './run.ts'

export const instanceStates = ['pending', 'starting', 'running', 'draining', 'stopped', 'failed'] as const
export type InstanceState = (typeof instanceStates)[number]
/** `ended`: one that runs once is over, whatever its exit code. */
export type InstanceEvent = 'claimed' | 'ready' | 'exited' | 'gaveUp' | 'drain' | 'ended'

/** The whole life of an instance; what is not here cannot happen. Drawn in ARCHITECTURE.md. */
export const transitions = {
  pending: { claimed: 'starting', drain: 'stopped', ended: 'stopped' },
  starting: { ready: 'running', exited: 'starting', gaveUp: 'failed', drain: 'draining', ended: 'stopped' },
  running: { exited: 'starting', gaveUp: 'failed', drain: 'draining', ended: 'stopped' },
  draining: { exited: 'stopped', ended: 'stopped' },
  stopped: {},
  failed: { drain: 'stopped' },
} satisfies Record<InstanceState, Partial<Record<InstanceEvent, InstanceState>>>

/** @returns the next state, or null where the event means nothing in this one */
export function nextState(state: InstanceState, event: InstanceEvent): InstanceState | null {
  const row: Partial<Record<InstanceEvent, InstanceState>> = transitions[state]
  return row[event] ?? null
}

/** `run`: run and route it. `unroute`: run it, send it no new requests. `stop`: SIGTERM, grace, SIGKILL. */
export type Intent = 'run' | 'unroute' | 'stop'

/** What the controller wants of one instance. Only the controller writes it. */
export type Desired = {
  id: InstanceId
  appId: AppId
  appName: AppName
  tenantId: TenantId
  hostId: HostId
  processType: ProcessType
  /** The n of `web.n`. */
  number: number
  release: number
  generation: number
  uidBase: number
  size: Resources
  ceilings: Ceilings
  /** What its tenant may use on a host, all instances together. */
  share: TenantShare
  /** Frozen: it keeps its memory and takes no CPU. */
  paused: boolean
  /** The stack image it runs on; null: the host's own. */
  stack: string | null
  /** Rises with every change; a writer with a lower one is refused everywhere. */
  epoch: number
  intent: Intent
  /** When the intent was last changed, ms since 1970. */
  since: number
  graceMs: number
  /** A release that never served yet fails at its first exit; one that did is restarted. */
  onExit: 'restart' | 'fail'
  /** It runs once and ends by itself; null: it is kept running. */
  once: Once | null
}

export type ReasonCode =
  | 'exited'
  | 'outOfMemory'
  | 'diskFull'
  | 'neverListened'
  | 'wrongPort'
  | 'probeFailed'
  | 'startFailed'
  | 'stopped'
  | 'hostStopped'
  /** One-off runs: exit code 0; over its time limit; nobody is attached any more; no host had room; nobody knows. */
  | 'completed'
  | 'timedOut'
  | 'clientGone'
  | 'notPlaced'
  | 'lost'

/** What the agent says of one instance. Only the agent writes it. */
export type Reported = {
  epoch: number
  state: InstanceState
  /** Where the router reaches it. */
  address: { host: string; port: number } | null
  reason: ReasonCode | null
  /** One sentence for people: what happened, and what to do. */
  detail: string | null
  exitCode: number | null
  restarts: number
  since: number
  /** From the job's arrival to the process running, and to the first good probe, in ms. */
  startedMs: number | null
  readyMs: number | null
  /** What of the desired state the kernel was last told; it lags behind. null: nothing runs. */
  applied: Applied | null
}

export type Applied = { memoryMb: number; cpuMilli: number; paused: boolean }

/** Live figures, overwritten by each sample of the agent. */
export type InstanceStats = {
  at: number
  cpuMilli: number
  memoryBytes: number
  /** Written to its scratch image; agents of an earlier version do not say. */
  diskBytes?: number
}

export type Instance = { desired: Desired; reported: Reported | null; stats: InstanceStats | null }

/** Has the agent answered the newest desired state? */
export const isUpToDate = ({ desired, reported }: Instance): boolean =>
  reported !== null && reported.epoch >= desired.epoch

/** What the kernel holds it to now; null while that is not known. */
export function appliedTo(instance: Instance): Applied | null {
  const { desired, reported } = instance
  if (reported?.applied) return reported.applied
  const { memoryMb, cpuMilli } = desired.size
  return isUpToDate(instance) ? { memoryMb, cpuMilli, paused: desired.paused } : null
}

export const processName = (desired: Pick<Desired, 'processType' | 'number'>): string =>
  `${desired.processType}.${desired.number}`

export const DEFAULT_GRACE_MS = 30_000
