/** What changes, as it changes: hosts, apps, instances, deploys, events, traffic and alerts. docs/metrics.md */
import type { Request } from 'express'
import { liveQuery, liveTopics, type LiveTopic } from '#core/contract/live.ts'
import { parse } from '#core/contract/schema.ts'
import { judge, sees, type Caller, type Target } from '#core/domain/access.ts'
import type { App } from '#core/domain/app.ts'
import { forbidden, tooManyStreams } from '#core/domain/errors.ts'
import { subscribe } from '#core/store/connection.ts'
import { loadAlerts, loadEndedAlerts } from '#core/store/alerts.ts'
import { createAnsweredReader } from '#core/store/answered.ts'
import { createFiguresReader } from '#core/store/figures.ts'
import { createLiveReader } from '#core/store/live.ts'
import { createDiff } from '../live/changes.ts'
import type { Sources } from '../live/facts.ts'
import { createHub, type Hub } from '../live/hub.ts'
import { createViewer, type ViewerOptions } from '../live/viewer.ts'
import { alertView } from '../webhooks/message.ts'
import { findAppFor } from './access.ts'
import { hostOf } from './apps.ts'
import { callerOf } from './auth.ts'
import { appUrl, type ApiContext } from './context.ts'
import { openEventStream } from './event-stream.ts'
import type { Routes } from './routes.ts'

/** What a stream holds of memory is what its client has not taken yet, so their number is what is limited. */
const MAX_STREAMS = 1_000
const MAX_STREAMS_OF_ONE = 50

export function liveRoutes(context: ApiContext): Routes {
  const hub = hubOf(context)
  const diff = createDiff()
  const open = new Map<string, number>()
  return {
    '/live': {
      async GET(req, res) {
        const caller = callerOf(req)
        const { topics, app: name } = parse(liveQuery, req.query, 'query')
        const app = name === undefined ? null : await findAppFor(caller, context.store, name)
        const chosen = topicsFor(caller, topics)
        const who = caller.userId ?? caller.tokenId ?? ''
        const opened = open.get(who) ?? 0
        if (opened >= MAX_STREAMS_OF_ONE || hub.viewers() >= MAX_STREAMS) throw tooManyStreams(MAX_STREAMS_OF_ONE)
        open.set(who, opened + 1)
        res.on('close', () => forget(open, who))
        follow(req, openEventStream(res, context.signal), chosen, app, { hub, diff }, context)
      },
    },
  }
}

function follow(
  req: Request,
  stream: ReturnType<typeof openEventStream>,
  topics: readonly LiveTopic[],
  app: App | null,
  { hub, diff }: Pick<ViewerOptions, 'diff'> & { hub: Hub },
  { config }: ApiContext,
): void {
  const caller = callerOf(req)
  if (req.method === 'HEAD') return stream.end()
  const viewer = createViewer(stream, {
    topics,
    diff,
    sees: (target) => isAbout(app, target) && seesItem(caller, target),
    textOf: (topic, { text }) => (topic === 'apps' ? withGitUrl(text, hostOf(req, config)) : text),
  })
  hub.join(viewer)
}

const isOperator = (caller: Caller): boolean => judge(caller, 'platform:read') === 'allowed'

const seesItem = (caller: Caller, target: Target | null): boolean =>
  target === null ? isOperator(caller) : sees(caller, target)

/** Hosts and what else is nobody's stay the same whichever app is looked at. */
const isAbout = (app: App | null, target: Target | null): boolean =>
  app === null || target === null || target.appId === app.id

/** @throws FORBIDDEN for what only operators may follow */
function topicsFor(caller: Caller, wanted: readonly LiveTopic[] | undefined): readonly LiveTopic[] {
  if (isOperator(caller)) return wanted ?? liveTopics
  if (wanted?.includes('hosts')) throw forbidden("following hosts needs an operator's token")
  return wanted ?? liveTopics.filter((topic) => topic !== 'hosts')
}

/** The same view for everybody, but for the address that each reaches the API at. */
function withGitUrl(text: string, host: string): string {
  const { name } = JSON.parse(text) as { name: string }
  return `${text.slice(0, -1)},"gitUrl":${JSON.stringify(`http://${host}/git/${name}.git`)}}`
}

function forget(open: Map<string, number>, who: string): void {
  const left = (open.get(who) ?? 1) - 1
  if (left === 0) open.delete(who)
  else open.set(who, left)
}

function trafficOf(store: ApiContext['store'], now: () => number): Sources['traffic'] {
  const figures = createFiguresReader(store)
  return () => figures.read(now())
}

function answeredOf(store: ApiContext['store'], now: () => number): Sources['answered'] {
  const read = createAnsweredReader(store)
  return () => read(now())
}

const hubOf = ({ store, config, log, now, signal }: ApiContext): Hub =>
  createHub({
    log,
    signal,
    urlOf: (name) => appUrl(config, name),
    subscribe: (onChange) => subscribe(config.redisUrl, ['changed'], onChange),
    open: () => ({
      reader: createLiveReader(store),
      traffic: trafficOf(store, now),
      answered: answeredOf(store, now),
      alerts: async () => (await Promise.all([loadAlerts(store), loadEndedAlerts(store, null)])).flat().map(alertView),
      now,
    }),
  })
