/** Clients of an app while it is deployed. */
import { setTimeout as wait } from 'node:timers/promises'
import type { World } from '#test/helpers/world.ts'

/** Each client: 50 requests/s. Asking more often would take from the two cores what the deploy needs. */
const ASK_EVERY_MS = 20

/** Asks all the time. `stop` tells how many requests were not answered with 200. */
export function askSteadily(world: World, app: string): { stop(): Promise<number> } {
  let failed = 0
  let stopped = false
  const asking = (async () => {
    while (!stopped) {
      const answer = await world.http(app, '/').catch(() => null)
      if (answer?.status !== 200) failed += 1
      await wait(ASK_EVERY_MS)
    }
  })()
  return {
    async stop() {
      stopped = true
      await asking
      return failed
    },
  }
}

const GIVE_UP_MS = 300_000

/** @throws when a text does not come */
export async function untilAnswer(world: World, app: string, path: string, text: string): Promise<void> {
  for (const until = Date.now() + GIVE_UP_MS; Date.now() < until; await wait(ASK_EVERY_MS)) {
    const answer = await world.http(app, path).catch(() => null)
    if (answer?.status === 200 && answer.body.includes(text)) return
  }
  throw new Error(`${app}${path} did not answer with ${text} within ${GIVE_UP_MS / 1000} s.`)
}
