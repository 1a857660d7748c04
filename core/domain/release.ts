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

export const sameTarget = (a: Target | null, b: Target | null): boolean =>
  a?.release === b?.release && a?.generation === b?.generation

/** How far the newest target got. Written by the reconciler only. */
export type Rollout =
  | { target: Target; state: 'rolling'; waitingFor: string }
  | { target: Target; state: 'done'; at: number }
  | { target: Target; state: 'failed'; at: number; reason: string }

/** A process type that is never kept running: it runs once before a release goes live. */
export const RELEASE_PROCESS = 'release' as ProcessType
export const WEB = 'web' as ProcessType

export type DeployKind = 'push' | 'config' | 'rollback'
export type DeployState = 'queued' | 'building' | 'releasing' | 'rolling' | 'succeeded' | 'failed'

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
  /** SHA-256 of the source archive, for kind push. */
  source: string | null
  /** For kind rollback: the release to take code and config from. */
  fromRelease: number | null
  /** For kind config: the config that the release gets. */
  config: SealedConfig | null
  release: number | null
  /** Which host builds, and which try this is. */
  buildHost: string | null
  buildEpoch: number
  /** The one-off run of the release command, once there is one. */
  releaseRun: InstanceId | null
  /** The one-off run of app.json's postdeploy script, named before the rollout of the release that runs it. */
  postdeployRun: InstanceId | null
  error: string | null
  endedAt: number | null
}

/** The agent's word on a build. An older epoch is refused. */
export type BuildReport =
  | { epoch: number; state: 'running'; at: number }
  | { epoch: number; state: 'succeeded'; at: number; slug: Slug; manifest: Manifest }
  | { epoch: number; state: 'failed'; at: number; error: string }

export const isOver = (deploy: Pick<Deploy, 'state'>): boolean =>
  deploy.state === 'succeeded' || deploy.state === 'failed'
