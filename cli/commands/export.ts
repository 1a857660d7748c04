/** apps:export: a whole app as a file (core/domain/slug-file.ts). */
import { resolve } from 'node:path'
import type { ExportedApp } from '#core/contract/slug-file.ts'
import { APP_FILE, END_BYTES, entryHeader, paddingOf, SEALED_CONFIG } from '#core/domain/slug-file.ts'
import type { Client } from '../client.ts'
import type { Run } from '../context.ts'
import { readPassphrase } from '../passphrase.ts'
import { sealText } from '../sealed.ts'
import { ownChecks, sizesOf } from '../settings-copy.ts'
import { requireNew, save } from '../transfer.ts'

export const exportApp: Run = async (context, _args, options) => {
  const { out, cwd, now } = context
  const passphrase = options.passphraseFile === undefined ? null : await readPassphrase(context, options.passphraseFile)
  const name = await context.app(options)
  const file = resolve(cwd, options.output ?? `${name}.berth`)
  await requireNew(file)
  const client = await context.client()
  const { config } = await client.get('/apps/:app/config', { app: name })
  const app = await describe(client, name, Object.keys(config), passphrase !== null, new Date(now()).toISOString())
  const sealed = passphrase === null ? null : await sealText(JSON.stringify(config), passphrase)
  const slug = app.code
    ? await client.download('/apps/:app/slugs/:release/file', { app: name, release: 'current' })
    : null
  await save(context, contentOf(app, sealed, slug?.content ?? null, now()), file, slug?.bytes ?? null)
  if (options.json) return out.json({ app: name, file, config: passphrase !== null, code: app.code })
  out.line(`Saved ${name} as ${file}.`)
  if (passphrase === null && app.configNames.length > 0)
    out.note(`Its ${app.configNames.length} config vars are not in it: for those, give --passphrase-file FILE.`)
  out.note(`Bring it to another Berth with: berth apps:import ${options.output ?? `${name}.berth`}`)
}

async function describe(
  client: Client,
  name: string,
  configNames: string[],
  sealed: boolean,
  exportedAt: string,
): Promise<ExportedApp> {
  const [app, domains, routing, access, quota, checks] = await Promise.all([
    client.get('/apps/:app', { app: name }),
    client.get('/apps/:app/domains', { app: name }),
    client.get('/apps/:app/routing', { app: name }),
    client.get('/apps/:app/access', { app: name }),
    client.get('/apps/:app/quota', { app: name }),
    client.get('/apps/:app/checks', { app: name }),
  ])
  return {
    format: 'berth-app',
    version: 1,
    name,
    exportedAt,
    formation: sizesOf(app.formation),
    domains: domains.domains.map(({ address }) => address),
    routing,
    access,
    quota: quota.quota,
    build: app.build,
    checks: ownChecks(checks),
    configNames: configNames.sort(),
    sealed,
    code: app.release !== null,
  }
}

/** The app's own entries, and then the slug's archive as the API sends it, which ends the whole. */
async function* contentOf(
  app: ExportedApp,
  sealed: Buffer | null,
  slug: AsyncIterable<Uint8Array> | null,
  now: number,
): AsyncGenerator<Uint8Array> {
  const entry = (name: string, content: Buffer) => [
    entryHeader({ name, bytes: content.length, time: Math.floor(now / 1000) }),
    content,
    new Uint8Array(paddingOf(content.length)),
  ]
  yield* entry(APP_FILE, Buffer.from(`${JSON.stringify(app, null, 2)}\n`))
  if (sealed) yield* entry(SEALED_CONFIG, sealed)
  if (slug) yield* slug
  else yield new Uint8Array(END_BYTES)
}
