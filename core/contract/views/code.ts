/** What makes new code run: deploys, builds, releases, slugs. */
import { z } from 'zod'
import { runtimeNames } from '../../domain/slug.ts'
import type { DeployKind, DeployState } from '../../domain/release.ts'
import { listOf, moment, named, text, texts, whole } from './shape.ts'

const runtime = z.strictObject({ name: z.enum(runtimeNames), version: text })

export const releaseView = named('Release', {
  version: whole,
  description: text,
  actor: text,
  createdAt: moment,
  commit: text.nullable(),
  subject: text.nullable().describe('The first line of the commit’s message; null: it was not pushed.'),
  current: z.boolean(),
  codeGone: z.boolean().describe('Its code is not kept any more, so that it cannot be rolled back to.'),
  status: z.enum(['rolling', 'live', 'failed', 'superseded']),
  sizes: z
    .record(text, z.strictObject({ memoryMb: whole, cpuMilli: whole }))
    .nullable()
    .describe('With a change of sizes, which brings neither code nor config: the sizes from then on. Else null.'),
  buildpack: text.nullable(),
  runtimes: z.array(runtime),
  processes: z.record(text, text).describe('The command of each process type.'),
  configNames: texts,
})
export type ReleaseView = z.infer<typeof releaseView>
export const releasesView = listOf('releases', releaseView)

/** What of an app's code is stored. Bytes are those of the layers' images; one that several releases have counts once. */
export const slugsView = named('Slugs', {
  app: text,
  release: whole.nullable().describe('The one that serves.'),
  currentBytes: whole,
  bytes: whole,
  layers: z
    .array(
      z.strictObject({
        digest: text,
        kind: z.enum(['dependencies', 'app']),
        bytes: whole,
        releases: z.array(whole),
        sharedWith: texts.describe('Other apps of the same tenant.'),
        hosts: texts,
      }),
    )
    .describe('Those of the newest release first.'),
  hosts: z.array(z.strictObject({ host: text, bytes: whole })).describe('What lies on hosts’ disks of them.'),
  collected: z.array(whole).describe('Releases whose code is gone.'),
})
export type SlugsView = z.infer<typeof slugsView>

const deployKinds = ['push', 'slug', 'config', 'rollback'] as const satisfies DeployKind[]
const deployStates = [
  'queued',
  'building',
  'releasing',
  'rolling',
  'succeeded',
  'failed',
  'cancelled',
] as const satisfies DeployState[]

const deployFields = {
  id: text,
  kind: z.enum(deployKinds),
  state: z.enum(deployStates),
  description: text,
  actor: text,
  createdAt: moment,
  endedAt: moment.nullable(),
  commit: text.nullable(),
  subject: text.nullable().describe('The first line of the commit’s message; null: it was not pushed.'),
  release: whole.nullable(),
  error: text.nullable(),
  phases: z.array(z.strictObject({ name: text, ms: z.number() })).describe('What took how long, as far as it is over.'),
}
export const deployView = named('Deploy', deployFields)
export type DeployView = z.infer<typeof deployView>
export const deploysView = listOf('deploys', deployView)

/** A deploy that has a source: its build. */
export const buildView = named('Build', {
  ...deployFields,
  startedAt: moment.nullable().describe('When its host began; null: it waits, or never did.'),
  host: text.nullable(),
})
export type BuildView = z.infer<typeof buildView>
export const buildsView = listOf('builds', buildView)

/** The answer to a call that makes a release. */
export const deployAccepted = named('DeployAccepted', {
  deploy: deployView.describe('Follow it at /v1/apps/APP/deploys/ID/log.'),
})
export type DeployAccepted = z.infer<typeof deployAccepted>

/** One line of `GET …/deploys/ID/log` (newline-delimited JSON); the last one carries `end`. */
export const deployLogLine = z.union([z.strictObject({ line: text }), z.strictObject({ end: deployView })])
export type DeployLogLine = z.infer<typeof deployLogLine>
