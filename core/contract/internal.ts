/** What agents ask the controller over HTTP under /internal: what must not lie in Redis (secrets) or is too big for it. */
import { z } from 'zod'
import { MAX_BUILDPACKS } from '../domain/buildpack.ts'
import { command, deployId, environment, healthCheck, slug, stackName, tenantShare } from './schema.ts'

/** `GET /internal/instances/ID/launch`: all that an agent needs to run an instance; carries secrets. */
export const launchSpec = z.strictObject({ slug, command, env: environment, health: healthCheck })
export type LaunchSpec = z.infer<typeof launchSpec>

/** `GET /internal/deploys/ID/build`: what a builder needs; the archive itself is at `/internal/deploys/ID/source` (tar). */
export const buildSpec = z.strictObject({
  deployId,
  appId: z.string(),
  tenantId: z.string(),
  uidBase: z.int(),
  share: tenantShare,
  commit: z.string(),
  env: environment,
  previous: slug.nullable(),
  /** What the source is, where it is a ready slug; null: it is to be built. */
  ready: slug.nullable(),
  /** The stack to build on; null: the host's own. */
  stack: stackName.nullable(),
  /** Of the app's cache; an older one is not used any more. */
  cacheGeneration: z.int().default(0),
  /** How the app wants to be built (core/domain/app.ts). */
  buildpacks: z.array(z.string()).max(MAX_BUILDPACKS),
  root: z.string().nullable(),
})
export type BuildSpec = z.infer<typeof buildSpec>

/** Layers: `HEAD`, `GET` and `PUT /internal/layers/DIGEST`; a PUT whose bytes do not match the digest is refused. */
export const layerPath = (digest: string): string => `/internal/layers/${digest}`
export const launchPath = (instance: string): string => `/internal/instances/${instance}/launch`
export const buildPath = (deploy: string): string => `/internal/deploys/${deploy}/build`
/** A buildpack that the operator offers, as a tar archive. */
export const buildpackPath = (name: string, ref: string | null): string =>
  `/internal/buildpacks/${name}${ref === null ? '' : `?ref=${encodeURIComponent(ref)}`}`
export const sourcePath = (deploy: string): string => `/internal/deploys/${deploy}/source`

/** `POST /internal/store-login`: as whom the agent that asks speaks to Redis, from now on; null: as the URL says that it has. */
export const storeLogin = z.strictObject({ user: z.string(), password: z.string() })
export const storeLoginAnswer = z.strictObject({ login: storeLogin.nullable() })
export type StoreLoginAnswer = z.infer<typeof storeLoginAnswer>
export const storeLoginPath = '/internal/store-login'

/** `GET /internal/jobs-key`: what jobs' signatures are checked with (Ed25519, PEM). */
export const jobsKeyAnswer = z.strictObject({ publicKey: z.string().max(1000) })
export type JobsKeyAnswer = z.infer<typeof jobsKeyAnswer>
export const jobsKeyPath = '/internal/jobs-key'

/** Both, as an agent keeps them. */
export const admission = z.strictObject({ login: storeLogin.nullable(), jobsKey: z.string() })
export type Admission = z.infer<typeof admission>
