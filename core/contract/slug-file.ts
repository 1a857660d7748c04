/** What is in the files of a slug and of an exported app (core/domain/slug-file.ts); both may come from anywhere, so strictly. */
import { z } from 'zod'
import { accessRanges, processType, routing, slug } from './schema.ts'
import { patchBuild, patchChecks } from './bodies/app.ts'
import { patchQuota } from './bodies/traffic.ts'

/** The most of `manifest.json`, `app.json` and `config.sealed` each. */
export const MAX_SMALL_FILE_BYTES = 512 * 1024

/** `manifest.json` */
export const slugManifest = z.strictObject({
  format: z.literal('berth-slug', { message: 'must be berth-slug' }),
  version: z.literal(1, { message: 'must be 1, the version that this Berth reads' }),
  slug,
  commit: z.string().max(100).nullable(),
  /** For people: where it came from, like `shop v12`. */
  origin: z.string().max(200),
})
export type SlugManifest = z.infer<typeof slugManifest>

/** `app.json` of an exported app: what is set for it besides its code; its config vars are in `config.sealed`. */
export const exportedApp = z.strictObject({
  format: z.literal('berth-app', { message: 'must be berth-app' }),
  version: z.literal(1, { message: 'must be 1, the version that this Berth reads' }),
  name: z.string().max(30),
  exportedAt: z.string().max(40),
  formation: z.record(
    processType,
    z.strictObject({
      count: z.int().min(0).max(1000),
      memoryMb: z.int().min(32).max(65_536),
      cpuMilli: z.int().min(50).max(64_000),
    }),
  ),
  domains: z.array(z.string().max(500)).max(1000),
  routing,
  /** Whose passwords are not in the file. */
  access: z.strictObject({ allow: accessRanges.shape.add.unwrap(), users: z.array(z.string().max(64)).max(50) }),
  quota: patchQuota.nullable(),
  /** How it is built. Files of earlier versions have none, nor checks. */
  build: patchBuild.optional(),
  /** What its owner set of its health checks. */
  checks: patchChecks.optional(),
  /** Names only. */
  configNames: z.array(z.string().max(128)).max(10_000),
  /** Whether `config.sealed` follows. */
  sealed: z.boolean(),
  /** Whether a slug follows. */
  code: z.boolean(),
})
export type ExportedApp = z.infer<typeof exportedApp>

/** `POST /v1/apps/APP/slugs`: deploys the code of another app here. */
export const adoptSlug = z.strictObject({
  from: z.string().max(100),
  /** Left out: the one that serves. */
  release: z.int().min(1).optional(),
})
