/**
 * The shapes that are shared by the messages below, as zod schemas: `unknown` becomes a type here and nowhere else.
 * Objects are strict: an unknown field is an error that names it, because a misspelt field silently ignored loses work.
 */
import { z } from 'zod'
import { badRequest } from '../domain/errors.ts'
import {
  isId,
  type AppName,
  type DeployId,
  type HostId,
  type InstanceId,
  type LayerDigest,
  type ProcessType,
  type TenantId,
} from '../domain/ids.ts'
import { isCommand, isProcessType } from '../domain/procfile.ts'
import { runtimeNames } from '../domain/slug.ts'
import { isStackName } from '../domain/stack.ts'
import { isPlanName, parseCores, type PlanName } from '../domain/quota.ts'
import { parseRange } from '../domain/range.ts'

const branded = <T extends string>(valid: (text: string) => boolean, what: string) =>
  z
    .custom<T>((value) => typeof value === 'string' && valid(value), { message: `must be ${what}` })
    // What the API's document says of it: a check of its own says nothing.
    .meta({ type: 'string', description: `Must be ${what}.` })

export const appName = branded<AppName>((t) => t.length <= 30 && isId(t), "an app's name")
export const tenantId = branded<TenantId>(
  (t) => t.length <= 30 && isId(t),
  "a tenant's name: lower-case letters, digits, single dashes",
)
export const planName = branded<PlanName>(isPlanName, "a plan's name: lower-case letters, digits, single dashes")
export const hostId = branded<HostId>(isId, "a host's id")
export const instanceId = branded<InstanceId>(isId, "an instance's id")
export const deployId = branded<DeployId>(isId, "a deploy's id")
export const processType = branded<ProcessType>(
  isProcessType,
  'a process type: a lower-case letter, then up to 19 letters and digits',
)
export const layerDigest = branded<LayerDigest>((t) => /^[0-9a-f]{64}$/.test(t), 'a SHA-256 digest in hex')
export const stackName = z
  .string()
  .refine(isStackName, { message: "must be a stack's name, like debian-13-20261121-1" })
export const command = z.string().refine(isCommand, { message: 'must be one line of 1 to 4096 printable characters' })

export const resources = z.strictObject({
  memoryMb: z.int().min(32).max(65_536),
  cpuMilli: z.int().min(50).max(64_000),
  pids: z.int().min(16).max(16_384),
  diskMb: z.int().min(16).max(102_400),
})

export const requestRate = z.strictObject({ perSecond: z.number().min(0).max(1e6), burst: z.number().min(1).max(1e6) })

const cap = (most: number) => z.int().min(0).max(most).nullable().optional()
/** null: no limit. Two bytes a second would be a limit that nothing gets through. */
const bytesPerSecond = z.int().min(1024).max(1e12).nullable().optional()
export const trafficCaps = z.strictObject({
  concurrent: cap(1e6),
  connections: cap(1e7),
  webSockets: cap(1e7),
  inBytesPerSecond: bytesPerSecond,
  outBytesPerSecond: bytesPerSecond,
})

/** What a plan may say; what is left out stays as it is. The CPU weight is that of cgroup v2 (cpu.weight). */
export const planLimits = z.strictObject({
  memoryMb: z.int().min(32).max(67_108_864).optional(),
  cpuMilli: z.int().min(50).max(16_384_000).optional(),
  diskMb: z.int().min(16).max(1_073_741_824).optional(),
  instances: z.int().min(0).max(100_000).optional(),
  apps: z.int().min(0).max(100_000).optional(),
  instanceMemoryMb: z.int().min(32).max(65_536).optional(),
  weight: z.int().min(1).max(10_000).optional(),
  requestRate: requestRate.optional(),
  traffic: trafficCaps.optional(),
  budget: z
    .strictObject({
      cpuSeconds: z.number().min(0).max(1e12).nullable().optional(),
      egressBytes: z.number().min(0).max(1e18).nullable().optional(),
      requests: z.number().min(0).max(1e15).nullable().optional(),
    })
    .optional(),
  ceilings: z
    .strictObject({
      networkMbit: z.int().min(1).max(400_000).optional(),
      connections: z.int().min(1).max(1_000_000).optional(),
      connectionsPerSecond: z.int().min(1).max(1_000_000).optional(),
      logKbPerSecond: z.int().min(1).max(1_048_576).optional(),
      ioMbPerSecond: z.int().min(1).max(1_048_576).optional(),
    })
    .optional(),
  logKb: z.int().min(16).max(262_144).optional(),
})

export const cores = z
  .string()
  .max(200)
  .refine((text) => parseCores(text) !== null, { message: 'must be a list of cores like 2-3 or 0,4-7' })
const cidrs = z.array(z.string().max(20)).max(1000)
export const egress = z.strictObject({ allow: cidrs.optional(), deny: cidrs.optional() })

export const tenantShare = z.strictObject({
  memoryMb: z.int(),
  cpuMilli: z.int(),
  weight: z.int(),
  cpus: cores.nullable(),
  egress: z.strictObject({ allow: cidrs, deny: cidrs }),
})

const range = (least: number, most: number, unit: string) =>
  z.int(`must be a whole number of ${unit}`).refine((n) => n >= least && n <= most, {
    message: `must be ${least} to ${most} ${unit}`,
  })

/** What of an app's traffic may be set; what is left out stays as it is. */
export const routing = z.strictObject({
  protocol: z.enum(['http1', 'h2c']).optional(),
  bodyLimitBytes: range(0, 2 ** 50, 'bytes')
    .nullable()
    .optional(),
  firstByteMs: range(100, 3_600_000, 'milliseconds').optional(),
  idleMs: range(1_000, 86_400_000, 'milliseconds').optional(),
  concurrency: z
    .strictObject({ soft: range(1, 100_000, 'requests'), hard: range(1, 100_000, 'requests') })
    .refine(({ soft, hard }) => soft <= hard, { message: 'the soft limit must not be above the hard one' })
    .nullable()
    .optional(),
  sticky: z.boolean().optional(),
  maintenance: z.boolean().optional(),
  forceHttps: z.boolean().optional(),
})

const ranges = z
  .array(
    z
      .string()
      .max(64)
      .refine((text) => parseRange(text) !== null, {
        message: 'must be a network like 10.0.0.0/8 or 2001:db8::/32, without bits beyond the prefix',
      }),
  )
  .max(200)
export const accessRanges = z.strictObject({ add: ranges.optional(), remove: ranges.optional() })

/** RFC 7617 §2: a user's name has no colon, and neither has a control character. */
export const accessUser = z.strictObject({
  name: z.string().regex(/^[^\p{Cc}:]{1,64}$/u, 'must be 1 to 64 characters without a colon'),
  password: z
    .string()
    .min(8, 'must have at least 8 characters')
    .max(200, 'must have at most 200 characters')
    .regex(/^\P{Cc}*$/u, 'must have no control characters'),
})

export const runtimeRef = z.strictObject({
  name: z.enum(runtimeNames),
  // A packaged runtime's is semver, a Debian one's that of its package.
  version: z.string().regex(/^\d[A-Za-z0-9.+~-]{0,60}$/),
})
export const layer = z.strictObject({
  digest: layerDigest,
  bytes: z.int().min(0),
  kind: z.enum(['dependencies', 'app']),
})
export const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
  z
    .string()
    .max(65_536)
    .refine((v) => !v.includes('\0'), { message: 'must not hold a NUL' }),
)
export const processes = z.record(processType, command)
export const healthCheck = z.strictObject({
  kind: z.enum(['http', 'tcp', 'none']),
  path: z.string().regex(/^\/[\x21-\x7e]{0,500}$/, 'must be a path like /healthz'),
  startTimeoutMs: z.int().min(1_000).max(600_000),
})
export const cronJob = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
  command,
  schedule: z.string().max(100),
  timeoutMs: z.int().min(1_000).max(86_400_000),
  overlap: z.enum(['skip', 'allow', 'replace']),
})
/** What an app.json says of the app as a whole (core/domain/manifest.ts). */
export const manifest = z.strictObject({
  postdeploy: command.nullable(),
  formation: z.record(
    processType,
    z.strictObject({
      quantity: z.int().min(0).max(1000).nullable(),
      size: z
        .strictObject({ memoryMb: z.int().min(32).max(65_536), cpuMilli: z.int().min(50).max(64_000).nullable() })
        .nullable(),
    }),
  ),
  env: z.record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
    z.union([z.strictObject({ value: z.string().max(65_536) }), z.strictObject({ generator: z.literal('secret') })]),
  ),
})
export const slug = z.strictObject({
  layers: z.array(layer).min(1).max(8),
  runtimes: z.array(runtimeRef).max(8),
  processes,
  env: environment,
  // What was made before these were known lacks them.
  health: z.record(processType, healthCheck).default({}),
  cron: z.array(cronJob).max(50).default([]),
  buildpack: z.string().max(40),
  stack: z.string().max(80),
})

/**
 * Parses what crossed a boundary.
 * @param what the thing's name, for the sentence
 * @throws BAD_REQUEST with every field that is wrong, its path and what it must be
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown, what = 'request'): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => ({ field: issue.path.join('.'), problem: issue.message }))
  const sentence = problems.map(({ field, problem }) => (field === '' ? problem : `${field}: ${problem}`)).join('; ')
  throw badRequest(`The ${what} is not valid. ${sentence}`.slice(0, 2000), { problems })
}
