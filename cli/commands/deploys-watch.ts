/** deploys:watch: each deploy as it begins, goes on and ends, until somebody has seen enough. */
import type { LiveTopics } from '#core/contract/live.ts'
import type { Run } from '../context.ts'
import { follow, Known } from '../follow.ts'
import { formatDuration } from '../text.ts'

type Deploy = LiveTopics['deploys']

export const watch: Run = async (context, _args, options) => {
  const { out } = context
  const isNamed = options.app !== undefined || options.remote !== undefined
  const app = isNamed ? await context.app(options) : null
  const client = await context.client()
  const known = new Known<'deploys'>(({ id }) => id)
  out.note(`Waiting for deploys of ${app ?? 'all apps that you see'}. Ctrl-C ends.`)
  for await (const told of follow(client, ['deploys'], app, new AbortController().signal)) {
    if (told.topic !== 'deploys') continue
    const isFirst = !known.isWhole
    for (const { before, after } of known.take(told.change)) {
      if (before?.state === after.state || (isFirst && after.endedAt !== null)) continue
      if (options.json) out.jsonLine(after)
      else out.line(lineOf(before, after))
    }
  }
}

export function lineOf(before: Deploy | null, after: Deploy): string {
  const at = (after.endedAt ?? new Date().toISOString()).slice(11, 19)
  const release = after.release === null ? '' : ` as v${after.release}`
  const head = `${at} ${after.app} ${after.id} ${after.state}${release}`
  if (before === null) return `${head}: ${after.description} (${after.actor})`
  if (after.endedAt === null) return head
  const took = formatDuration(Date.parse(after.endedAt) - Date.parse(after.createdAt))
  return `${head} after ${took}${after.error === null ? '' : `: ${after.error}`}`
}
