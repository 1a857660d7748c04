import type { Formation, SealedConfig } from './app.ts'
import type { AppId, DeployId, InstanceId, ProcessType } from './ids.ts'
import type { Manifest } from './manifest.ts'
import type { Slug } from './slug.ts'

/** Immutable once made: code, config and commands together, so that a rollback brings all of them back. */
export type Release = {
  appId: AppId
  version: number
  slug: Slug
  config: SealedConfig
  commit: string | null
  /** What the commit says of itself, where it was pushed. */
  subject?: string
  description: string
  actor: string
  createdAt: number
  deployId: DeployId
}

/**
 * A change of sizes, listed among the releases under a number of its own. It is never a target: it holds neither code nor
 * config, what runs is told its new limits where it is, and a rollback passes it by.
 */
export type Resizing = Pick<Release, 'appId' | 'version' | 'description' | 'actor' | 'createdAt'> & {
  /** As it was from then on. */
  formation: Formation
}

export const isResizing = (entry: Release | Resizing): entry is Resizing => !('slug' in entry)

/** Which release should run. A restart raises the generation and keeps the release. */
export type Target = { release: number; generation: number; since: number }

/** Whose code is released again, for a deploy that has none of its own. */
export const codeOf = ({
  commit,
  subject,
}: Pick<Release, 'commit' | 'subject'>): Pick<Deploy, 'commit' | 'subject'> => ({
  commit,
  ...(subject === undefined ? {} : { subject }),
})

export const sameTarget = (a: Target | null, b: Target | null): boolean =>
  a?.release === b?.release && a?.generation === b?.generation

/** How far the newest target got. Written by the reconciler only. */
export type Rollout =
  | { target: Target; state: 'rolling'; waitingFor: string }
  /** `before`: the release that worked until then, to go back to if this one crashes; left out: none. */
  | { target: Target; state: 'done'; at: number; before?: number | null }
  | { target: Target; state: 'failed'; at: number; reason: string }

/** A process type that is never kept running: it runs once before a release goes live. */
export const RELEASE_PROCESS = 'release' as ProcessType
export const WEB = 'web' as ProcessType

/** `slug`: its source is a ready slug, which a host unpacks and packs for the app (core/domain/slug-file.ts). */
export type DeployKind = 'push' | 'slug' | 'config' | 'rollback'
/** Whether a host makes its slug. */
export const isBuilt = ({ kind }: Pick<Deploy, 'kind'>): boolean => kind === 'push' || kind === 'slug'
export type DeployState = 'queued' | 'building' | 'releasing' | 'rolling' | 'succeeded' | 'failed' | 'cancelled'

/** One walk of the deploy story. The controller writes it; `build` is the agent's answer. */
export type Deploy = {
  id: DeployId
  appId: AppId
  kind: DeployKind
  actor: string
  description: string
  createdAt: number
  state: DeployState
  commit: string | null
  /** What the commit says of itself, where it was pushed: a line of at most 72 characters. */
  subject?: string
  /** SHA-256 of the source archive, for kind push. */
  source: string | null
  /** For kind rollback: the release to take code and config from. */
  fromRelease: number | null
  /** For a rollback that nobody asked for: the release that crashed. Any other that serves meanwhile is left alone. */
  leaves?: number
  /** For kind config: the config that the release gets. */
  config: SealedConfig | null
  release: number | null
  /** Which host builds, and which try this is. */
  buildHost: string | null
  buildEpoch: number
  /** When its host began to build, ms since 1970; null: it did not, or not yet. */
  startedAt: number | null
  /** What took how long, in the order in which it was done, as far as it is over. */
  phases: PhaseTime[]
  /** The one-off run of the release command, once there is one. */
  releaseRun: InstanceId | null
  /** The one-off run of app.json's postdeploy script, named before the rollout of the release that runs it. */
  postdeployRun: InstanceId | null
  error: string | null
  endedAt: number | null
}

/** A part of a deploy, e.g. `detect` or `start`, and how long it took. */
export type PhaseTime = { name: string; ms: number }

/** Somebody wants a deploy ended. */
export type Cancel = { at: number; by: string }

/** The agent's word on a build. An older epoch is refused. */
export type BuildReport =
  | { epoch: number; state: 'running'; at: number }
  | { epoch: number; state: 'succeeded'; at: number; slug: Slug; manifest: Manifest; phases?: PhaseTime[] }
  | { epoch: number; state: 'failed'; at: number; error: string; phases?: PhaseTime[] }

export const isOver = ({ state }: Pick<Deploy, 'state'>): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled'

/** Until its release begins to take over: after that, going back is a rollback. */
export const isCancellable = ({ state }: Pick<Deploy, 'state'>): boolean =>
  state === 'queued' || state === 'building' || state === 'releasing'

export const cancelledBy = ({ by }: Cancel): string => `Cancelled by ${by}.`

/** For people: `detect 0.1 s · build 2.1 s · start 0.5 s`; what took no time that one could see is left out. */
export const describePhases = (phases: PhaseTime[]): string =>
  phases
    .filter(({ ms }) => ms >= 50)
    .map(({ name, ms }) => `${name} ${(ms / 1000).toFixed(1)} s`)
    .join(' · ')
