/** What the buildpacks, inside the build sandbox, tell the agent outside: two small JSON files. Tenant-influenced, so strict. */
import { z } from 'zod'
import { runtimeNames } from '../domain/slug.ts'
import { isOfferedName, isRef } from '../domain/buildpack.ts'
import { cronJob, environment, healthCheck, manifest, processes, processType } from './schema.ts'

const relativePath = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9._@-]+(\/[A-Za-z0-9._@-]+)*$/)
  .refine((p) => !p.split('/').includes('..'), { message: 'must stay inside the app' })

/** /build/plan.json, after detect. */
export const buildPlan = z.strictObject({
  buildpack: z.string().max(40),
  because: z.string().max(500),
  /** What the build and the app need: a name and a semver range as the app wrote it. */
  runtimes: z
    .array(z.strictObject({ name: z.enum(runtimeNames), range: z.string().max(100), reason: z.string().max(300) }))
    .max(8),
  /** What decides the dependencies, hashed by the buildpack (hex; null: never reused); null: no separate layer. */
  dependencies: z
    .strictObject({
      key: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .nullable(),
      paths: z.array(relativePath).min(1).max(40),
    })
    .nullable(),
  /** Buildpacks of the operator's that the build needs beside it. */
  offered: z
    .array(z.strictObject({ name: z.string().refine(isOfferedName), ref: z.string().refine(isRef).nullable() }))
    .max(20)
    .default([]),
})
export type BuildPlan = z.infer<typeof buildPlan>

/** /build/release.json, after compile. */
export const buildRelease = z.strictObject({
  processes,
  env: environment,
  health: z.record(processType, healthCheck).default({}),
  cron: z.array(cronJob).max(50).default([]),
  manifest: manifest.default({ postdeploy: null, formation: {}, env: {} }),
})
export type BuildRelease = z.infer<typeof buildRelease>
