/** apps:import: an app of a file that apps:export has saved. */
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { environment, parse } from '#core/contract/schema.ts'
import { messageOf } from '#core/domain/errors.ts'
import { readAppFile, type AppFile } from '../app-file.ts'
import type { Client } from '../client.ts'
import type { Context, Options, Run } from '../context.ts'
import { showDeploy } from '../deploy-log.ts'
import { CliError, failed } from '../failures.ts'
import { askPassphrase, readPassphrase } from '../passphrase.ts'
import { openText } from '../sealed.ts'
import { setHow } from '../settings-copy.ts'
import { progress } from '../transfer.ts'
import { slugBody } from './slugs.ts'

export const importApp: Run = async (context, [file = ''], options) => {
  const { out, cwd } = context
  const path = resolve(cwd, file)
  const read = await readAppFile(path, file)
  // All that can be wrong with the file is known before anything is made.
  const config = read.sealed === null ? {} : await openConfig(context, read.sealed, options)
  const client = await context.client()
  const name = options.as ?? read.app.name
  const made = await client.post('/apps', { body: { name, ...(options.tenant ? { tenant: options.tenant } : {}) } })
  if (!options.json) out.line(`Created ${made.name}, at ${made.url}`)
  try {
    await applySettings(context, client, made.name, read.app, config)
  } catch (error) {
    throw explained(error, made.name)
  }
  if (read.slug === null) {
    if (options.json) out.json(made)
    else out.note('There is no code in the file, so nothing was deployed.')
    return
  }
  const content = createReadStream(path, { start: read.slug.from }).pipe(progress(context, 'Sent', read.slug.bytes))
  const accepted = await client
    .upload('/apps/:app/slugs/file', { app: made.name }, slugBody(content, read.slug.bytes))
    .catch((error: unknown) => {
      throw explained(error, made.name)
    })
  await showDeploy(context, client, made.name, accepted, options)
}

async function openConfig(context: Context, sealed: Buffer, options: Options): Promise<Record<string, string>> {
  const passphrase =
    options.passphraseFile === undefined
      ? await askPassphrase(context)
      : await readPassphrase(context, options.passphraseFile)
  return parse(environment, JSON.parse(await openText(sealed, passphrase)), 'sealed config')
}

/** Before the code comes, so that the first release has them and nobody reaches it by a way that was closed. */
async function applySettings(
  context: Context,
  client: Client,
  name: string,
  app: AppFile['app'],
  config: Record<string, string>,
): Promise<void> {
  const { out } = context
  if (Object.keys(config).length > 0) await client.patch('/apps/:app/config', { app: name, body: config })
  else if (app.configNames.length > 0)
    out.note(
      `The file holds no config vars. Set them: berth config:set ${app.configNames.map((key) => `${key}=…`).join(' ')} -a ${name}`,
    )
  if (Object.keys(app.formation).length > 0)
    await client.patch('/apps/:app/formation', { app: name, body: app.formation })
  const closed = app.access.users.length > 0
  await client.patch('/apps/:app/routing', {
    app: name,
    body: { ...app.routing, ...(closed ? { maintenance: true } : {}) },
  })
  if (app.access.allow.length > 0)
    await client.patch('/apps/:app/access', { app: name, body: { add: app.access.allow } })
  await setHow(context, client, name, app)
  if (app.quota !== null) await client.patch('/apps/:app/quota', { app: name, body: app.quota })
  if (closed)
    out.note(
      `It asked for passwords, which are not in the file, so it is in maintenance. Add its users (${app.access.users.join(', ')}) with berth access:users:add NAME -a ${name}, then: berth maintenance:off -a ${name}`,
    )
  for (const address of app.domains) {
    // One that somebody else has here must not keep the rest from coming.
    const taken = await client.post('/apps/:app/domains', { app: name, body: { address } }).then(
      () => null,
      (error: unknown) => messageOf(error),
    )
    out.note(
      taken === null
        ? `${address} waits to be verified: berth domains -a ${name}`
        : `${address} was not added: ${taken}`,
    )
  }
}

const explained = (error: unknown, name: string): Error =>
  error instanceof CliError
    ? new CliError(
        error.exitCode,
        `${error.message} The app ${name} was made, but not completed: see berth info -a ${name}, or berth apps:destroy ${name} --confirm ${name}`,
      )
    : failed(messageOf(error))
