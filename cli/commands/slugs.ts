/** slugs, slugs:download, slugs:deploy. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { messageOf } from '#core/domain/errors.ts'
import type { Upload } from '../client.ts'
import type { Run } from '../context.ts'
import { showDeploy } from '../deploy-log.ts'
import { failed } from '../failures.ts'
import { formatBytes, parseVersion } from '../text.ts'
import { progress, requireNew, save } from '../transfer.ts'

const SHOWN_DIGITS = 12

export const list: Run = async (context, _args, options) => {
  const { client, out } = context
  const app = await context.app(options)
  const view = await (await client()).get('/apps/:app/slugs', { app })
  if (options.json) return out.json(view)
  if (view.layers.length === 0) return out.line(`${app} has no code yet. Deploy with: git push berth main`)
  out.table(
    ['LAYER', 'WHAT', 'SIZE', 'RELEASES', 'SHARED WITH', 'HOSTS'],
    view.layers.map(({ digest, kind, bytes, releases, sharedWith, hosts }) => [
      digest.slice(0, SHOWN_DIGITS),
      kind,
      formatBytes(bytes),
      describeVersions(releases),
      sharedWith.join(', ') || '-',
      hosts.join(', ') || '-',
    ]),
  )
  out.line()
  out.facts([
    ['Current slug', view.release === null ? '-' : `${formatBytes(view.currentBytes)} (v${view.release})`],
    ['Stored', `${formatBytes(view.bytes)}, each layer once`],
    ...view.hosts.map(({ host, bytes }): [string, string] => [`On ${host}`, formatBytes(bytes)]),
    ...(view.collected.length === 0
      ? []
      : ([['Code gone', describeVersions(view.collected)]] satisfies [string, string][])),
  ])
}

/** `v1–v4, v7` */
export function describeVersions(versions: readonly number[]): string {
  const sorted = [...versions].sort((a, b) => a - b)
  const runs: [number, number][] = []
  for (const version of sorted) {
    const last = runs.at(-1)
    if (last?.[1] === version - 1) last[1] = version
    else runs.push([version, version])
  }
  return runs.map(([from, to]) => (from === to ? `v${from}` : `v${from}–v${to}`)).join(', ')
}

/** Without a version: the current release. */
export const download: Run = async (context, [wanted], options) => {
  const { out, cwd } = context
  const version = wanted === undefined ? null : parseVersion(wanted)
  const app = await context.app(options)
  const client = await context.client()
  const release = version ?? (await currentOf(context, options))
  const file = resolve(cwd, options.output ?? `${app}-v${release}.slug`)
  await requireNew(file)
  const { content, bytes } = await client.download('/apps/:app/slugs/:release/file', { app, release: String(release) })
  await save(context, content, file, bytes)
  if (options.json) return out.json({ app, release, file, bytes })
  out.line(`Saved v${release} of ${app} as ${file}${bytes === null ? '' : ` (${formatBytes(bytes)})`}.`)
  out.note(`Deploy it with: berth slugs:deploy ${options.output ?? `${app}-v${release}.slug`} -a APP`)
}

async function currentOf(context: Parameters<Run>[0], options: Parameters<Run>[2]): Promise<number> {
  const app = await context.app(options)
  const client = await context.client()
  const { releases } = await client.list('/apps/:app/releases', { app })
  const current = releases.find((release) => release.current)
  if (!current) throw failed(`${app} has no release that serves. See: berth releases -a ${app}`)
  return current.version
}

/** @param length in bytes */
export const slugBody = (body: AsyncIterable<Uint8Array>, length: number): Upload => ({
  type: 'application/x-tar',
  length,
  body,
})

/** Also what `berth deploy --slug FILE` does. */
export const deploy: Run = async (context, [name = ''], options) => {
  const file = resolve(context.cwd, name)
  const size = await stat(file).then(
    (status) => (status.isFile() ? status.size : null),
    (error: unknown) => {
      throw failed(`${name} cannot be read: ${messageOf(error)}`)
    },
  )
  if (size === null) throw failed(`${name} is not a file. Save one with: berth slugs:download`)
  const app = await context.app(options)
  const client = await context.client()
  const content = createReadStream(file).pipe(progress(context, 'Sent', size))
  const accepted = await client.upload('/apps/:app/slugs/file', { app }, slugBody(content, size))
  await showDeploy(context, client, app, accepted, options)
}
