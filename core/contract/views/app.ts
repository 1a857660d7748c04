/** An app and its settings. */
import { z } from 'zod'
import { listOf, moment, named, text, texts, whole } from './shape.ts'

export const formationView = z
  .record(
    text,
    z.strictObject({
      count: whole,
      size: z.strictObject({
        memoryMb: whole,
        cpuMilli: whole.describe('Thousandths of a core.'),
        pids: whole,
        diskMb: whole,
      }),
    }),
  )
  .describe('By process type.')

/** Without what only builders need to know. */
const shownBuildSettings = z.strictObject({
  buildpacks: texts.describe(
    'Names of buildpacks, or URLs of git repositories, in their order; none: found by what the source holds.',
  ),
  root: text.nullable().describe('The folder of the repository that holds the app; null: its root.'),
  branch: text.nullable().describe('The branch whose pushes deploy; null: main or master.'),
})
export type ShownBuildSettings = z.infer<typeof shownBuildSettings>

export const buildSettingsView = shownBuildSettings
  .extend({
    available: z
      .strictObject({ own: texts, offered: texts })
      .describe('The buildpacks that have a name here: Berth’s own, and those that the operator offers.'),
  })
  .meta({ id: 'BuildSettings' })
export type BuildSettingsView = z.infer<typeof buildSettingsView>

/** Who stopped it, and when. */
export const pauseView = z.strictObject({ at: moment, by: text })

export const appView = named('App', {
  id: text,
  name: text,
  tenant: text,
  url: text,
  gitUrl: text,
  createdAt: moment,
  formation: formationView,
  release: whole.nullable().describe('The one that serves; null: none does.'),
  rollout: z
    .strictObject({ release: whole, state: z.enum(['rolling', 'done', 'failed']), detail: text })
    .nullable()
    .describe('How far the newest release got.'),
  paused: pauseView.nullable(),
  suspended: text.nullable().describe('Why nothing of its tenant runs.'),
  build: shownBuildSettings,
})
export type AppView = z.infer<typeof appView>
export const appsView = listOf('apps', appView)

export const formationAnswer = z.strictObject({ formation: formationView })
export const configView = named('Config', { config: z.record(text, text) })

export const checkView = z.strictObject({
  process: text,
  kind: z
    .enum(['http', 'tcp', 'none'])
    .describe('http: answers GET with a status below 500; tcp: accepts a connection on $PORT; none: runs.'),
  path: text.describe('For http.'),
  startTimeoutMs: whole.describe('From its start until it must have shown that it works.'),
  from: z.enum(['app', 'code', 'default']).describe('Who said so: the app’s owner, its code (app.json), or nobody.'),
})
export type CheckView = z.infer<typeof checkView>
export const checksView = named('Checks', {
  app: text,
  autoRollback: z
    .boolean()
    .describe('Whether a release that crashes in its first minutes gives way to the one before it.'),
  checks: z.array(checkView),
})
export type ChecksView = z.infer<typeof checksView>
