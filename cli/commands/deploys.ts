/** deploys and deploys:log. */
import type { DeployLogLine } from '#core/contract/api.ts'
import type { DeployState } from '#core/domain/release.ts'
import type { Run } from '../context.ts'
import { failIfFailed, followDeploy } from '../deploy-log.ts'
import { failed } from '../failures.ts'
import { formatDuration, formatSince, type Colour } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const { client, out, now } = context
  const app = await context.app(options)
  const answer = await (await client()).get('/apps/:app/deploys', { app })
  if (options.json) return out.json(answer)
  if (answer.deploys.length === 0) return out.line(`${app} has no deploys yet. Deploy with: git push berth main`)
  out.table(
    ['ID', 'KIND', 'STATE', 'RELEASE', 'DESCRIPTION', 'BY', 'WHEN', 'TOOK'],
    answer.deploys.map((deploy) => [
      deploy.id,
      deploy.kind,
      { text: deploy.state, colour: stateColours[deploy.state] },
      deploy.release === null ? '-' : `v${deploy.release}`,
      deploy.description,
      deploy.actor,
      formatSince(deploy.createdAt, now()),
      deploy.endedAt === null ? '-' : formatDuration(Date.parse(deploy.endedAt) - Date.parse(deploy.createdAt)),
    ]),
  )
}

/** Follows the newest deploy, or the one that is named, to its end. */
export const log: Run = async (context, [wanted], options) => {
  const { out } = context
  const app = await context.app(options)
  const client = await context.client()
  const id = wanted ?? (await client.get('/apps/:app/deploys', { app })).deploys[0]?.id
  if (id === undefined) throw failed(`${app} has no deploys yet. Deploy with: git push berth main`)
  const show = options.json ? (line: string) => out.jsonLine({ line } satisfies DeployLogLine) : out.line
  const deploy = await followDeploy(client, app, id, show)
  if (options.json) out.jsonLine({ end: deploy } satisfies DeployLogLine)
  failIfFailed(deploy)
}

export const stateColours: Record<DeployState, Colour> = {
  queued: 'yellow',
  building: 'yellow',
  releasing: 'yellow',
  rolling: 'yellow',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'grey',
}
