/** deploy: sends a folder as it is, without git. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Context, Run } from '../context.ts'
import { showDeploy } from '../deploy-log.ts'
import { failed, usage } from '../failures.ts'
import { formatBytes } from '../text.ts'
import { findFiles } from '../upload-files.ts'
import { deploy as deploySlug } from './slugs.ts'
import { archiveLength, end, header, padding, type Entry } from '#core/domain/archive.ts'

const TELL_EVERY_MS = 2_000
const MAX_MESSAGE = 200

export const deploy: Run = async (context, [folder = '.'], options) => {
  if (options.slug !== undefined) return deploySlug(context, [options.slug], options)
  const { out, cwd } = context
  const root = resolve(cwd, folder)
  if (!(await isFolder(root))) throw usage(`${folder} is not a folder.`)
  if (options.message !== undefined && (options.message.length > MAX_MESSAGE || /\p{Cc}/u.test(options.message)))
    throw usage(`--message takes one line of at most ${MAX_MESSAGE} letters.`)
  const app = await context.app(options)
  const client = await context.client()
  const { entries, skipped } = await findFiles(root)
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
    { app, query: { message: options.message ?? `Deploy the folder ${basename(root)}` } },
    { type: 'application/x-tar', length, body: withProgress(archive(root, entries), length, context) },
  )
  await showDeploy(context, client, app, accepted, options.detach ? { ...options, wait: false } : options)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
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
