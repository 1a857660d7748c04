/** releases, releases:info, rollback. */
import type { ReleaseView } from '#core/contract/api.ts'
import type { Run } from '../context.ts'
import { showDeploy } from '../deploy-log.ts'
import { failed } from '../failures.ts'
import { formatCores, formatMegabytes, formatSince, parseVersion, type Cell, type Colour } from '../text.ts'

export const list: Run = async (context, _args, options) => {
  const { client, out, now } = context
  const app = await context.app(options)
  const answer = await (await client()).list('/apps/:app/releases', { app })
  if (options.json) return out.json(answer)
  if (answer.releases.length === 0) return out.line(`${app} has no releases yet. Deploy with: git push berth main`)
  out.table(
    ['RELEASE', 'STATUS', 'DESCRIPTION', 'BY', 'WHEN', 'SUBJECT'],
    answer.releases.map((release) => [
      `v${release.version}${release.current ? ' *' : ''}`,
      statusCell(release),
      release.codeGone ? `${release.description} (code gone)` : release.description,
      release.actor,
      formatSince(release.createdAt, now()),
      release.subject ?? '-',
    ]),
  )
}

/** Without a version: the current release, or the newest when none went live yet. */
export const info: Run = async (context, [wanted], options) => {
  const { out, now } = context
  const version = wanted === undefined ? null : parseVersion(wanted)
  const app = await context.app(options)
  const client = await context.client()
  const release =
    version === null
      ? currentOf((await client.list('/apps/:app/releases', { app })).releases)
      : await client.get('/apps/:app/releases/:version', { app, version: String(version) })
  if (release === undefined) throw failed(`${app} has no releases yet. Deploy with: git push berth main`)
  if (options.json) return out.json(release)
  out.facts([
    ['Release', `v${release.version}${release.current ? ' (current)' : ''}`],
    ['Status', statusCell(release)],
    ['Description', release.description],
    ['By', release.actor],
    ['Created', `${formatSince(release.createdAt, now())} (${release.createdAt})`],
    ...(release.sizes ? sizeFacts(release.sizes) : codeFacts(release)),
  ])
}

const codeFacts = (release: ReleaseView): [string, Cell][] => [
  ['Commit', release.commit ?? '-'],
  ['Subject', release.subject ?? '-'],
  ...(release.codeGone ? ([['Code', 'gone: it cannot be rolled back to']] satisfies [string, Cell][]) : []),
  ['Buildpack', release.buildpack ?? '-'],
  ['Runtimes', release.runtimes.map(({ name, version }) => `${name} ${version}`).join(', ') || '-'],
  ['Config vars', release.configNames.join(', ') || '-'],
  ...Object.entries(release.processes),
]

const sizeFacts = (sizes: NonNullable<ReleaseView['sizes']>): [string, Cell][] =>
  Object.entries(sizes).map(([type, { memoryMb, cpuMilli }]) => [
    type,
    `${formatMegabytes(memoryMb)}, ${formatCores(cpuMilli)} CPU`,
  ])

/** Without a version the platform chooses: the release that served before this one. */
export const rollback: Run = async (context, [wanted], options) => {
  const body = wanted === undefined ? {} : { release: parseVersion(wanted) }
  const app = await context.app(options)
  const client = await context.client()
  const accepted = await client.post('/apps/:app/rollback', { app, body })
  await showDeploy(context, client, app, accepted, options)
}

const currentOf = (releases: ReleaseView[]) =>
  releases.find(({ current }) => current) ?? releases.find(({ sizes }) => !sizes)

const colours: Record<ReleaseView['status'], Colour> = {
  rolling: 'yellow',
  live: 'green',
  failed: 'red',
  superseded: 'grey',
}

const statusCell = ({ status }: ReleaseView): Cell => ({ text: status, colour: colours[status] })
