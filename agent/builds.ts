/** The builds of this host: each at most once, a bounded number at a time. */
import type { Deploy } from '#core/domain/release.ts'
import { build, type BuildContext } from './build.ts'

export type Builds = {
  ensure(deploy: Deploy): void
  /** Ends the builds that are not wanted any more: their app is gone, or another host has them. */
  retain(wanted: Deploy[]): void
  stop(): Promise<void>
}

const buildKey = ({ id, buildEpoch }: Deploy): string => `${id} ${buildEpoch}`

/** Builds under way, at most BERTH_BUILD_SLOTS at a time, the others in the order of their arrival. */
export function createBuilds(context: BuildContext): Builds {
  const stopping = new AbortController()
  const underWay = new Map<string, { cancelling: AbortController; done: Promise<void> }>()
  const waiting: (() => void)[] = []
  let free = context.config.buildSlots

  async function slot(): Promise<void> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
  }

  function release(): void {
    const next = waiting.shift()
    if (next) next()
    else free++
  }

  async function runOne(deploy: Deploy, signal: AbortSignal): Promise<void> {
    await slot()
    try {
      if (!signal.aborted) await build(context, deploy, signal)
    } catch (error) {
      context.log.error('build not reported', { deploy: deploy.id, error })
    } finally {
      release()
    }
  }

  return {
    ensure(deploy) {
      const key = buildKey(deploy)
      if (underWay.has(key)) return
      const cancelling = new AbortController()
      const signal = AbortSignal.any([stopping.signal, cancelling.signal])
      const done = runOne(deploy, signal).finally(() => underWay.delete(key))
      underWay.set(key, { cancelling, done })
    },
    retain(wanted) {
      const keys = new Set(wanted.map(buildKey))
      for (const [key, { cancelling }] of underWay) if (!keys.has(key)) cancelling.abort()
    },
    async stop() {
      stopping.abort()
      for (const resume of waiting.splice(0)) resume()
      await Promise.all([...underWay.values()].map(({ done }) => done))
    },
  }
}
