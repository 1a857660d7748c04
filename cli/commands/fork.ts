/** fork: a new app with the code, config vars and formation of another. */
import type { AppView } from '#core/contract/api.ts'
import type { Client } from '../client.ts'
import type { Run } from '../context.ts'
import { showDeploy } from '../deploy-log.ts'

export const fork: Run = async (context, [from = '', name = ''], options) => {
  const { out } = context
  const client = await context.client()
  const origin = await client.get('/apps/:app', { app: from })
  const { config } = await client.get('/apps/:app/config', { app: from })
  const made = await client.post('/apps', { body: { name, tenant: origin.tenant } })
  if (!options.json) out.line(`Created ${made.name}, at ${made.url}`)
  await copySettings(client, made.name, config, origin.formation)
  if (!options.json) out.line(`Copied ${Object.keys(config).length} config vars and the formation of ${from}.`)
  if (origin.release === null) {
    if (options.json) out.json(made)
    else out.note(`${from} has no code yet, so there was none to copy.`)
    return
  }
  const accepted = await client.post('/apps/:app/slugs/adopt', { app: made.name, body: { from } })
  await showDeploy(context, client, made.name, accepted, options)
}

/** Before the code comes, so that the first release has them. */
export async function copySettings(
  client: Client,
  app: string,
  config: Record<string, string>,
  formation: AppView['formation'],
): Promise<void> {
  if (Object.keys(config).length > 0) await client.patch('/apps/:app/config', { app, body: config })
  const sizes = Object.entries(formation).flatMap(([type, process]) =>
    process
      ? [[type, { count: process.count, memoryMb: process.size.memoryMb, cpuMilli: process.size.cpuMilli }] as const]
      : [],
  )
  if (sizes.length > 0) await client.patch('/apps/:app/formation', { app, body: Object.fromEntries(sizes) })
}
