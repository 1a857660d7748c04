/** What states, reasons and kinds are called, and which of the four colours they have. */
import type { DeployView, EventView, InstanceView, ReleaseView, RunView } from '../../../core/contract/api.ts'
import type { AlertKind } from '../../../core/contract/alerts.ts'

export type Tone = 'good' | 'busy' | 'bad' | 'idle'
export type Word = { text: string; tone: Tone }

const instanceStates: Record<InstanceView['state'], Word> = {
  pending: { text: 'Pending', tone: 'busy' },
  starting: { text: 'Starting', tone: 'busy' },
  running: { text: 'Running', tone: 'good' },
  draining: { text: 'Draining', tone: 'busy' },
  stopped: { text: 'Stopped', tone: 'idle' },
  failed: { text: 'Failed', tone: 'bad' },
  lost: { text: 'Host lost', tone: 'bad' },
}
export const instanceState = ({ state, applied }: Pick<InstanceView, 'state' | 'applied'>): Word =>
  applied?.paused && state === 'running' ? { text: 'Paused', tone: 'idle' } : instanceStates[state]

const deployStates: Record<DeployView['state'], Word> = {
  queued: { text: 'Queued', tone: 'busy' },
  building: { text: 'Building', tone: 'busy' },
  releasing: { text: 'Releasing', tone: 'busy' },
  rolling: { text: 'Rolling out', tone: 'busy' },
  succeeded: { text: 'Succeeded', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
  cancelled: { text: 'Cancelled', tone: 'idle' },
}
export const deployState = ({ state }: Pick<DeployView, 'state'>): Word => deployStates[state]
export const isOver = ({ state }: Pick<DeployView, 'state'>): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled'

const releaseStates: Record<ReleaseView['status'], Word> = {
  rolling: { text: 'Rolling out', tone: 'busy' },
  live: { text: 'Live', tone: 'good' },
  failed: { text: 'Failed', tone: 'bad' },
  superseded: { text: 'Superseded', tone: 'idle' },
}
export const releaseState = ({ status }: Pick<ReleaseView, 'status'>): Word => releaseStates[status]

type Said = Pick<ReleaseView, 'description' | 'commit' | 'subject'>

/** What a release or a deploy is called: what its commit says of itself, where it says no more than that it brings it. */
export const headline = ({ description, commit, subject }: Said): string =>
  subject !== null && commit !== null && description === `Deploy ${commit.slice(0, 7)}` ? subject : description

const reasons: Partial<Record<NonNullable<InstanceView['reason']>, string>> = {
  exited: 'Exited',
  outOfMemory: 'Out of memory',
  diskFull: 'Disk full',
  neverListened: 'Never listened on $PORT',
  wrongPort: 'Listened on the wrong port',
  probeFailed: 'Health check failed',
  startFailed: 'Could not be started',
  stopped: 'Stopped',
  hostStopped: 'Host stopped',
  completed: 'Completed',
  timedOut: 'Timed out',
}
export const reasonWord = (reason: InstanceView['reason']): string =>
  reason === null ? '' : (reasons[reason] ?? sentence(reason))

/** How a run stands, or how it ended: `Exit 3` says more than that it exited. */
export function runState({ state, end }: Pick<RunView, 'state' | 'end'>): Word {
  if (end === null) return state === 'waiting' ? { text: 'Waiting', tone: 'busy' } : { text: 'Running', tone: 'busy' }
  if (end.reason === 'completed') return { text: 'Completed', tone: 'good' }
  if (end.reason === 'stopped') return { text: 'Stopped', tone: 'idle' }
  if (end.reason === 'exited' && end.exitCode !== null) return { text: `Exit ${end.exitCode}`, tone: 'bad' }
  return { text: reasonWord(end.reason), tone: 'bad' }
}

const failures = new Set<string>([
  'exited',
  'outOfMemory',
  'diskFull',
  'neverListened',
  'wrongPort',
  'probeFailed',
  'startFailed',
  'timedOut',
  'notPlaced',
  'lost',
  'releaseFailed',
  'resizeRefused',
  'suspended',
  'budget',
  'connectionsCapped',
  'connectionRateCapped',
  'lookupRateCapped',
  'mailRefused',
  'fellBack',
  'cronMissed',
])
const successes = new Set<string>(['released', 'ready', 'resumed', 'domainVerified', 'completed'])

export function eventTone({ kind }: Pick<EventView, 'kind'>): Tone {
  if (failures.has(kind)) return 'bad'
  return successes.has(kind) ? 'good' : 'idle'
}
export const eventWord = ({ kind }: Pick<EventView, 'kind'>): string => sentence(kind)

const alerts: Partial<Record<AlertKind, string>> = {
  errorRate: 'Error rate',
  slow: 'Slow responses',
  memory: 'Memory',
  crashLoop: 'Crash loop',
  quota: 'Quota',
  hostLost: 'Host lost',
  forgedJob: 'Forged job',
  certificate: 'Certificate',
  cronMissed: 'Missed job',
  disk: 'Disk',
}
export const alertWord = (kind: AlertKind): string => alerts[kind] ?? sentence(kind)

/** `domainVerified` → `Domain verified`: kinds that this page has not heard of read well, too. */
export function sentence(code: string): string {
  const words = code.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const browsers: [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/(Chrome|Chromium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
  [/^berth/i, 'berth'],
]
const systems: [RegExp, string][] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Mac OS X/, 'macOS'],
  [/Windows/, 'Windows'],
  [/Linux/, 'Linux'],
]

/** A `User-Agent` in two words: `Firefox, Linux`. What is not known stays as it was sent, as far as it is short. */
export function clientName(agent: string): string {
  const find = (known: [RegExp, string][]): string | undefined => known.find(([pattern]) => pattern.test(agent))?.[1]
  const [browser, system] = [find(browsers), find(systems)]
  if (browser === undefined) return agent === '' ? 'Unknown' : agent.slice(0, 40)
  return system === undefined ? browser : `${browser}, ${system}`
}
