/** builds, builds:info, builds:output, builds:cancel and builds:cache:purge. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { BuildView, DeployLogLine } from '#core/contract/api.ts'
import { isCancellable, isOver } from '#core/domain/release.ts'
import type { Client } from '../client.ts'
import type { Run } from '../context.ts'
import { failIfFailed, followDeploy } from '../deploy-log.ts'
import { failed } from '../failures.ts'
import { formatDuration, formatSince, type Cell } from '../text.ts'
import { stateColours } from './deploys.ts'

export const list: Run = async (context, _args, options) => {
  const { client, out, now } = context
  const app = await context.app(options)
  const answer = await (await client()).get('/apps/:app/builds', { app })
  if (options.json) return out.json(answer)
  if (answer.builds.length === 0) return out.line(`${app} has no builds yet. Deploy with: git push berth main`)
  out.table(
    ['ID', 'COMMIT', 'STATE', 'RELEASE', 'BY', 'HOST', 'WHEN', 'TOOK', 'SUBJECT'],
    answer.builds.map((build) => [
      build.id,
      build.commit?.slice(0, 7) ?? '-',
      stateOf(build),
      build.release === null ? '-' : `v${build.release}`,
      build.actor,
      build.host ?? '-',
      formatSince(build.createdAt, now()),
      tookOf(build, now()),
      build.subject ?? '-',
    ]),
  )
}

/** Without an id: the newest. */
export const info: Run = async (context, [wanted], options) => {
  const { out, now } = context
  const app = await context.app(options)
  const build = await buildOf(await context.client(), app, wanted)
  if (options.json) return out.json(build)
  out.facts([
    ['Build', build.id],
    ['State', stateOf(build)],
    ...(build.error === null ? [] : [['Reason', build.error] satisfies [string, Cell]]),
    ['Description', build.description],
    ['Commit', build.commit ?? '-'],
    ['Subject', build.subject ?? '-'],
    ['Release', build.release === null ? '-' : `v${build.release}`],
    ['By', build.actor],
    ['Host', build.host ?? '-'],
    ['Pushed', `${formatSince(build.createdAt, now())} (${build.createdAt})`],
    ['Begun', build.startedAt === null ? '-' : `${formatSince(build.startedAt, now())} (${build.startedAt})`],
    ['Took', tookOf(build, now())],
    ...build.phases.map(({ name, ms }): [string, Cell] => [`- ${name}`, formatDuration(ms)]),
  ])
}

/** What a build printed so far, or with `--tail` until its deploy is over; whoever pushed may have gone long ago. */
export const output: Run = async (context, [wanted], options) => {
  const { out } = context
  const app = await context.app(options)
  const client = await context.client()
  const { id } = await buildOf(client, app, wanted)
  const show = options.json ? (line: string) => out.jsonLine({ line } satisfies DeployLogLine) : out.line
  if (options.tail) {
    const deploy = await followDeploy(client, app, id, show)
    if (options.json) out.jsonLine({ end: deploy } satisfies DeployLogLine)
    return failIfFailed(deploy)
  }
  for await (const entry of client.stream('/apps/:app/builds/:build/output', { app, build: id })) {
    if ('line' in entry) show(entry.line.replace(/\r$/, ''))
    else if (options.json) out.jsonLine(entry)
  }
}

const LOOK_EVERY_MS = 300

/** Without an id: the newest that goes on. Waits until it is over, since its release may just be taking over. */
export const cancel: Run = async (context, [wanted], options) => {
  const { out } = context
  const app = await context.app(options)
  const client = await context.client()
  const id = wanted ?? (await newestUnderWay(client, app)).id
  let build = await client.post('/apps/:app/builds/:build/cancel', { app, build: id })
  if (!isOver(build)) out.note(`Cancelling ${id} of ${app}…`)
  while (!isOver(build)) {
    await sleep(LOOK_EVERY_MS)
    build = await client.get('/apps/:app/builds/:build', { app, build: id })
  }
  if (options.json) out.json(build)
  else if (build.state === 'cancelled') out.line(`${id} is cancelled.`)
  if (build.state !== 'cancelled')
    throw failed(
      `${id} was over before it could be cancelled: it ${build.state === 'failed' ? 'failed' : `is live as v${build.release}`}.`,
    )
}

export const purgeCache: Run = async (context, _args, options) => {
  const { out } = context
  const app = await context.app(options)
  await (await context.client()).delete('/apps/:app/build-cache', { app })
  if (options.json) return out.json({ app, purged: true })
  out.line(`The build cache of ${app} is purged: the next build begins with an empty one.`)
}

async function buildOf(client: Client, app: string, wanted: string | undefined): Promise<BuildView> {
  if (wanted !== undefined) return client.get('/apps/:app/builds/:build', { app, build: wanted })
  const [newest] = await buildsOf(client, app)
  if (!newest) throw failed(`${app} has no builds yet. Deploy with: git push berth main`)
  return newest
}

async function newestUnderWay(client: Client, app: string): Promise<BuildView> {
  const builds = await buildsOf(client, app)
  const found = builds.find(isCancellable) ?? builds.find((build) => !isOver(build))
  if (!found) throw failed(`No build of ${app} waits or runs. See: berth builds -a ${app}`)
  return found
}

const buildsOf = async (client: Client, app: string): Promise<BuildView[]> =>
  (await client.get('/apps/:app/builds', { app })).builds

const stateOf = ({ state }: BuildView): Cell => ({ text: state, colour: stateColours[state] })

const tookOf = ({ createdAt, endedAt }: BuildView, now: number): string =>
  formatDuration((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(createdAt))
