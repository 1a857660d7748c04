import type { CronJob } from './cron.ts'
import type { HealthCheck } from './health-check.ts'
import type { LayerDigest, ProcessType } from './ids.ts'

/** A read-only image (see image.ts), named by the SHA-256 of its bytes. */
export type Layer = { digest: LayerDigest; bytes: number; kind: 'dependencies' | 'app' }

/** A runtime at an exact version in the hosts' runtime store, e.g. node 22.22.3. */
export type RuntimeRef = { name: RuntimeName; version: string }

/** Programs that an npm package carries: each a folder of its own, mounted at /opt/runtimes/NAME. */
export const packagedRuntimes = ['node', 'npm', 'pnpm', 'yarn', 'bun', 'deno'] as const
/**
 * Debian packages of the stack's own release, laid over the stack's root in the sandboxes that use them. `toolchain` is
 * what compiling takes (gcc, make, git, headers); the version of all is that of Debian's package.
 */
export const debianRuntimes = ['toolchain', 'python', 'ruby', 'php', 'go', 'java', 'maven', 'tomcat'] as const
export type DebianRuntimeName = (typeof debianRuntimes)[number]
/** What builds need and apps do not: a virtual environment runs on the stack's own python3, a compiled program on nothing. */
export const buildRuntimes: readonly RuntimeName[] = ['npm', 'pnpm', 'yarn', 'toolchain', 'python', 'go', 'maven']
export const runtimeNames = [...packagedRuntimes, ...debianRuntimes] as const
export type RuntimeName = (typeof runtimeNames)[number]

export const isDebianRuntime = (name: RuntimeName): name is DebianRuntimeName =>
  debianRuntimes.some((debian) => debian === name)
/** Whether an app that runs still needs it. */
export const runsWithApps = ({ name }: RuntimeRef): boolean => !buildRuntimes.includes(name)

/** What a build makes and a release runs. Layers are mounted in order, the last on top, at /app. */
export type Slug = {
  layers: Layer[]
  runtimes: RuntimeRef[]
  processes: Partial<Record<ProcessType, string>>
  /** Defaults for the environment, below the app's config vars. */
  env: Record<string, string>
  /** How each process type shows that it works; one that is not named has the default of its kind. */
  health: Partial<Record<ProcessType, HealthCheck>>
  /** What runs by the clock while this slug is live. */
  cron: CronJob[]
  buildpack: string
  stack: string
}
