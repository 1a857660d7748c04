/** What was asked for is asked for again when live changes say that it may be another: no page polls. */
import { useEffect } from 'react'
import { part } from '../api/client.ts'
import { refresh } from '../api/queries.ts'
import { liveStore } from '../live/hooks.ts'

const WAIT_MS = 400

export function useFreshness(): void {
  useEffect(() => {
    const names = new Set<string>()
    let timer: ReturnType<typeof setTimeout> | null = null
    let seen = new Map<string, unknown>()
    const run = (): void => {
      timer = null
      for (const name of names) void refresh(`/v1/apps/${part(name)}`)
      names.clear()
    }
    const look = (items: { key: string; app: string; of: unknown }[]): void => {
      const first = seen.size === 0
      for (const { key, app, of } of items) if (!first && seen.get(key) !== of) names.add(app)
      seen = new Map(items.map(({ key, of }) => [key, of]))
      if (names.size > 0) timer ??= setTimeout(run, WAIT_MS)
    }
    const all = (): void =>
      look([
        ...liveStore.apps.all().map((app) => ({
          key: `a${app.id}`,
          app: app.name,
          of: JSON.stringify([app.release, app.rollout, app.formation, app.paused]),
        })),
        ...liveStore.deploys.all().map((deploy) => ({ key: `d${deploy.id}`, app: deploy.app, of: deploy.state })),
        ...newestEvents(),
      ])
    const unlisten = [liveStore.apps, liveStore.deploys, liveStore.events].map((collection) =>
      collection.listen('*', all),
    )
    return () => {
      for (const stop of unlisten) stop()
      if (timer !== null) clearTimeout(timer)
    }
  }, [])
}

/** One for each app: its newest event. */
function newestEvents(): { key: string; app: string; of: unknown }[] {
  const newest = new Map(liveStore.events.all().map((event) => [event.app, event.at + event.text]))
  return [...newest].map(([app, of]) => ({ key: `e${app}`, app, of }))
}
