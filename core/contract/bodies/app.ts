/** What is sent to make an app, and to change its settings. */
import { z } from 'zod'
import { MAX_BUILDPACKS } from '../../domain/buildpack.ts'
import { healthCheck, processType, tenantId } from '../schema.ts'

export const createApp = z.strictObject({
  name: z.string().max(100).optional(),
  tenant: tenantId.optional(),
  template: z.string().max(100).optional().describe('A sample app, of `GET /templates`, to deploy at once.'),
})
export type CreateApp = z.infer<typeof createApp>
/** `{ web: { count: 2, memoryMb: 256 } }`; what is left out stays as it is. */
export const patchFormation = z.record(
  processType,
  z.strictObject({
    count: z.int().min(0).max(1000).optional(),
    memoryMb: z.int().min(32).max(65_536).optional(),
    cpuMilli: z.int().min(50).max(64_000).optional(),
  }),
)
export type PatchFormation = z.infer<typeof patchFormation>
/** How an app is built; what is left out stays as it is, a null is as for every app. The list of buildpacks is a whole. */
export const patchBuild = z.strictObject({
  buildpacks: z.array(z.string().max(1000)).max(MAX_BUILDPACKS).optional(),
  root: z.string().max(300).nullable().optional(),
  branch: z.string().max(300).nullable().optional(),
})
export type PatchBuild = z.infer<typeof patchBuild>
/** A null removes the variable. Names are checked by the API, so that the error names the wrong one. */
export const patchConfig = z.record(z.string(), z.string().max(65_536).nullable())
export type PatchConfig = z.infer<typeof patchConfig>
/** By process type; a null takes back what was set for it. */
export const patchChecks = z.strictObject({
  processes: z.record(processType, healthCheck.partial().nullable()).optional(),
  autoRollback: z.boolean().optional(),
})
export type PatchChecks = z.infer<typeof patchChecks>
