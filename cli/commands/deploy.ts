/** deploy: sends a folder as it is, or one Java archive, without git. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Context, Run } from '../context.ts'
import { showDeploy } from '../deploy-log.ts'
import { failed, usage } from '../failures.ts'
import { formatBytes } from '../text.ts'
import { findFiles, type Found } from '../upload-files.ts'
import { deploy as deploySlug } from './slugs.ts'
import { archiveLength, end, header, padding, type Entry } from '#core/domain/archive.ts'

const TELL_EVERY_MS = 2_000
const MAX_MESSAGE = 200

export const deploy: Run = async (context, [folder = '.'], options) => {
  if (options.slug !== undefined) return deploySlug(context, [options.slug], options)
  const { out, cwd } = context
  const path = resolve(cwd, folder)
  if (options.message !== undefined && (options.message.length > MAX_MESSAGE || /\p{Cc}/u.test(options.message)))
    throw usage(`--message takes one line of at most ${MAX_MESSAGE} letters.`)
  const app = await context.app(options)
  const client = await context.client()
  const { root, entries, skipped } = await whatToSend(path, folder)
  const files = entries.filter(({ kind }) => kind !== 'folder')
  if (files.length === 0)
    throw failed(
      `${folder} holds no files that .gitignore and .slugignore do not leave out, so there is nothing to deploy.`,
    )
  for (const path of skipped) out.note(`Left out ${path}: it is neither a file, a folder nor a link.`)
  const length = archiveLength(entries)
  out.note(`Sending ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(length)}, to ${app} …`)
  const accepted = await client.upload(
    '/apps/:app/source',
    {
      app,
      query: {
        message:
          options.message ?? (root === path ? `Deploy the folder ${basename(path)}` : `Deploy ${basename(path)}`),
      },
    },
    { type: 'application/x-tar', length, body: withProgress(archive(root, entries), length, context) },
  )
  await showDeploy(context, client, app, accepted, options.detach ? { ...options, wait: false } : options)
}

type Sent = Found & { root: string }

/** A .jar or .war is an app of its own: it is sent alone, whatever lies beside it. @throws exit code 2 for anything else */
async function whatToSend(path: string, shown: string): Promise<Sent> {
  const found = await stat(path).catch(() => null)
  if (found?.isDirectory()) return { root: path, ...(await findFiles(path)) }
  if (!found?.isFile()) throw usage(`${shown} is not a folder.`)
  if (!/\.[jw]ar$/i.test(path))
    throw usage(`${shown} is a file. Name its folder; only a .jar or .war is deployed alone, and a slug with --slug.`)
  const entry: Entry = { path: basename(path), kind: 'file', size: found.size, isExecutable: false, target: '' }
  return { root: dirname(path), entries: [entry], skipped: [] }
}

/** @throws when a file changes while it is read */
async function* archive(root: string, entries: Entry[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield header(entry)
    if (entry.size === 0) continue
    let sent = 0
    for await (const chunk of createReadStream(join(root, entry.path), {
      end: entry.size - 1,
    }) as AsyncIterable<Buffer>) {
      sent += chunk.length
      yield chunk
    }
    if (sent !== entry.size)
      throw failed(`${entry.path} changed while it was sent. Try again once nothing writes to it.`)
    yield new Uint8Array(padding(entry.size))
  }
  yield end()
}

async function* withProgress(
  body: AsyncIterable<Uint8Array>,
  length: number,
  { out, now }: Context,
): AsyncGenerator<Uint8Array> {
  let sent = 0
  let told = now()
  for await (const chunk of body) {
    yield chunk
    sent += chunk.length
    if (now() - told < TELL_EVERY_MS) continue
    told = now()
    out.note(`  ${Math.floor((100 * sent) / length)} % of ${formatBytes(length)}`)
  }
}
