/** fork: a new app with the code, config vars and formation of another, built and checked as that is. */
import type { AppView, ChecksView } from '#core/contract/api.ts'
import type { Client } from '../client.ts'
import type { Context, Run } from '../context.ts'
import { showDeploy } from '../deploy-log.ts'
import { ownChecks, setHow, sizesOf } from '../settings-copy.ts'

export const fork: Run = async (context, [from = '', name = ''], options) => {
  const { out } = context
  const client = await context.client()
  const origin = await client.get('/apps/:app', { app: from })
  const { config } = await client.get('/apps/:app/config', { app: from })
  const checks = await client.get('/apps/:app/checks', { app: from })
  const made = await client.post('/apps', { body: { name, tenant: origin.tenant } })
  if (!options.json) out.line(`Created ${made.name}, at ${made.url}`)
  await copySettings(context, client, made.name, { ...origin, config, checks })
  if (!options.json)
    out.line(
      `Copied ${Object.keys(config).length} config vars, the formation and how it is built and checked from ${from}.`,
    )
  if (origin.release === null) {
    if (options.json) out.json(made)
    else out.note(`${from} has no code yet, so there was none to copy.`)
    return
  }
  const accepted = await client.post('/apps/:app/slugs/adopt', { app: made.name, body: { from } })
  await showDeploy(context, client, made.name, accepted, options)
}

type Copied = {
  config: Record<string, string>
  formation: AppView['formation']
  build: AppView['build']
  checks: ChecksView
}

/** Before the code comes, so that the first release has them. */
async function copySettings(context: Context, client: Client, app: string, copied: Copied): Promise<void> {
  if (Object.keys(copied.config).length > 0) await client.patch('/apps/:app/config', { app, body: copied.config })
  const sizes = sizesOf(copied.formation)
  if (Object.keys(sizes).length > 0) await client.patch('/apps/:app/formation', { app, body: sizes })
  await setHow(context, client, app, { build: copied.build, checks: ownChecks(copied.checks) })
}
