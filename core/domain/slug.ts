import type { LayerDigest, ProcessType } from './ids.ts'

/** A read-only squashfs image, named by the SHA-256 of its bytes. */
export type Layer = { digest: LayerDigest; bytes: number; kind: 'dependencies' | 'app' }

/** A runtime at an exact version in the hosts' runtime store, e.g. node 22.22.3. */
export type RuntimeRef = { name: RuntimeName; version: string }
export type RuntimeName = 'node' | 'npm'

/** What a build makes and a release runs. Layers are mounted in order, the last on top, at /app. */
export type Slug = {
  layers: Layer[]
  runtimes: RuntimeRef[]
  processes: Partial<Record<ProcessType, string>>
  /** Defaults for the environment, below the app's config vars. */
  env: Record<string, string>
  buildpack: string
  stack: string
}
