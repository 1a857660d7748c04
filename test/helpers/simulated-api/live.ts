/** `GET /v1/live` and the logs: streams that begin with all there is and go on with what the test tells. */
import { once } from 'node:events'
import { Router, type Response } from 'express'
import type { LogLine } from '#core/contract/api.ts'
import type { LiveTopic } from '#core/contract/live.ts'
import type { Place } from './place.ts'
import { callerOf, queryOf, type Somebody } from './sessions.ts'

type Change = { reset?: true; put: object[]; drop: string[] }

export type Live = {
  tell(topic: LiveTopic, change: Change): void
  log(app: string, line: Omit<LogLine, 'id'>): void
  lines: Map<string, LogLine[]>
  /** Breaks all streams off, as a network does. */
  cut(): void
  /** How many follow. */
  followers(): number
  routes(stopping: AbortSignal): Router
}

type Follower = { res: Response; topics: LiveTopic[]; who: Somebody }

export function createLive(place: Place): Live {
  const followers = new Set<Follower>()
  const tails = new Map<string, Set<Response>>()
  const lines = new Map<string, LogLine[]>()

  const visible = ({ operator, memberships }: Somebody, topic: LiveTopic, items: object[]): object[] => {
    if (operator) return items
    if (topic === 'hosts') return []
    const own = new Set(memberships.map(({ tenant }) => tenant))
    const tenantOf = new Map(place.apps.map(({ name, tenant }) => [name, tenant]))
    return items.filter((item) => {
      const { tenant, app } = item as { tenant?: string; app?: string }
      return own.has(tenant ?? tenantOf.get(app ?? '') ?? '')
    })
  }
  const send = ({ res, topics, who }: Follower, topic: LiveTopic, change: Change): void => {
    if (!topics.includes(topic)) return
    const put = visible(who, topic, change.put)
    if (change.reset || put.length > 0 || change.drop.length > 0)
      res.write(`event: ${topic}\ndata: ${JSON.stringify({ ...change, put })}\n\n`)
  }

  return {
    lines,
    tell: (topic, change) => {
      for (const follower of followers) send(follower, topic, change)
    },
    log(app, said) {
      const before = lines.get(app) ?? []
      const line: LogLine = { id: `${Date.parse(said.at)}-${before.length}-0`, ...said }
      lines.set(app, [...before, line])
      for (const res of tails.get(app) ?? []) res.write(`${JSON.stringify(line)}\n`)
    },
    cut() {
      for (const { res } of followers) res.destroy()
    },
    followers: () => followers.size,
    routes(stopping) {
      const router = Router()
      router.get('/live', (req, res) => {
        const topics = queryOf(req, 'topics').split(',') as LiveTopic[]
        const follower = { res, topics, who: callerOf(req) }
        res.status(200).type('text/event-stream').setHeader('Cache-Control', 'no-store')
        res.flushHeaders()
        for (const topic of topics) send(follower, topic, { reset: true, put: place[topic], drop: [] })
        followers.add(follower)
        res.on('close', () => followers.delete(follower))
        stopping.addEventListener('abort', () => res.end())
      })
      router.get('/apps/:app/logs', async (req, res) => {
        const { app } = req.params
        res.status(200).type('application/x-ndjson')
        for (const line of lines.get(app) ?? []) res.write(`${JSON.stringify(line)}\n`)
        res.flushHeaders()
        const following = tails.get(app) ?? new Set()
        tails.set(app, following.add(res))
        await Promise.race([once(res, 'close'), once(stopping, 'abort')])
        following.delete(res)
        res.end()
      })
      return router
    },
  }
}
