/** The builds of this host: each at most once, a bounded number at a time, tenants in turns. */
import type { AppId, DeployId, TenantId } from '#core/domain/ids.ts'
import type { Deploy } from '#core/domain/release.ts'
import { sleep } from '#core/runtime/clock.ts'
import { build } from './build.ts'
import type { BuildContext } from './builds/context.ts'
import { noLeftovers, removeLeftovers } from './builds/leftovers.ts'
import { afterTurnOf, inTurns } from './builds/turns.ts'

export type Builds = {
  ensure(deploy: Deploy, tenantId: TenantId): void
  /** Ends a build that is not wanted any more, at once. */
  drop(id: DeployId): void
  /** Ends the builds that are not wanted any more: their app is gone, or another host has them. */
  retain(wanted: Deploy[]): void
  /** Whether a build of an app runs or waits. */
  isBuilding(app: AppId): boolean
  stop(): Promise<void>
}

type Entry = {
  key: string
  deploy: Deploy
  tenantId: TenantId
  cancelling: AbortController
  /** Has what it left removed at once: the app's next build waits for that. */
  hurrying: AbortController
  /** Ends its waiting; null: it has a slot, or is over. */
  begin: (() => void) | null
  /** How many the pusher was told to be before it. */
  told: number | null
  done: Promise<void>
}

const buildKey = ({ id, buildEpoch }: Deploy): string => `${id} ${buildEpoch}`

/** Removing takes the kernel's locks of mounts and networks, which the start of the build's release wants just then. */
const PAUSE_MS = 500

/** At most BERTH_BUILD_SLOTS run at a time; the others wait in the order of `inTurns`, and their pushers are told. */
export function createBuilds(context: BuildContext): Builds {
  const stopping = new AbortController()
  /** In the order of their arrival. */
  const entries = new Map<string, Entry>()
  let served: string[] = []

  /** Those that have a slot. */
  const running = new Set<Entry>()
  /** Those that have their app's cache open: running, or being removed. */
  const open = new Set<Entry>()
  const isOpen = ({ deploy }: Entry) => [...open].some((other) => other.deploy.appId === deploy.appId)
  /** Whether another build of its app waits. */
  const isWaitedFor = ({ deploy }: Entry) =>
    [...entries.values()].some((other) => other.begin !== null && other.deploy.appId === deploy.appId)
  const waitingOnes = () => [...entries.values()].filter((entry) => entry.begin !== null && !isOpen(entry))

  /** Gives free slots to those whose turn it is, and tells the others how many are before them. */
  function dispatch(): void {
    for (const entry of open) if (!running.has(entry) && isWaitedFor(entry)) entry.hurrying.abort()
    const order = inTurns(waitingOnes(), { running: [...running].map(({ tenantId }) => tenantId), served })
    const left = order.filter((entry) => {
      if (running.size >= context.config.buildSlots || isOpen(entry)) return true
      running.add(entry)
      open.add(entry)
      served = afterTurnOf(entry.tenantId, served)
      entry.begin?.()
      return false
    })
    left.forEach(tell)
  }

  function tell(entry: Entry, before: number): void {
    if (entry.told === before) return
    entry.told = before
    const line = `       waiting for a build slot: ${before === 0 ? 'the next one is yours' : `${before} before you`}`
    context
      .print(entry.deploy.id, [line])
      .catch((error: unknown) => context.log.debug('position not told', { deploy: entry.deploy.id, error }))
  }

  /** Waits for a slot. @returns false when it was ended before it had one */
  async function takeTurn(entry: Entry, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>()
    entry.begin = () => {
      entry.begin = null
      resolve()
    }
    signal.addEventListener('abort', () => entry.begin?.(), { once: true })
    if (signal.aborted) entry.begin()
    else dispatch()
    await promise
    return running.has(entry)
  }

  async function runOne(entry: Entry): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, entry.cancelling.signal])
    const came = context.now()
    const leftovers = noLeftovers()
    try {
      if (await takeTurn(entry, signal)) await build(context, entry.deploy, signal, leftovers, context.now() - came)
    } catch (error) {
      context.log.error('build not reported', { deploy: entry.deploy.id, error })
    } finally {
      leave(running, entry)
    }
    try {
      await sleep(PAUSE_MS, AbortSignal.any([signal, entry.hurrying.signal]))
      await removeLeftovers(leftovers)
    } catch (error) {
      context.log.warn('build not removed', { deploy: entry.deploy.id, error })
    } finally {
      entries.delete(entry.key)
      leave(open, entry)
    }
  }

  function leave(set: Set<Entry>, entry: Entry): void {
    set.delete(entry)
    if (!stopping.signal.aborted) dispatch()
  }

  return {
    ensure(deploy, tenantId) {
      const key = buildKey(deploy)
      if (entries.has(key) || stopping.signal.aborted) return
      const entry: Entry = {
        ...{ key, deploy, tenantId, begin: null, told: null, done: Promise.resolve() },
        cancelling: new AbortController(),
        hurrying: new AbortController(),
      }
      entries.set(key, entry)
      entry.done = runOne(entry)
    },
    drop(id) {
      for (const { deploy, cancelling } of entries.values()) if (deploy.id === id) cancelling.abort()
    },
    retain(wanted) {
      const keys = new Set(wanted.map(buildKey))
      for (const { key, cancelling } of entries.values()) if (!keys.has(key)) cancelling.abort()
    },
    isBuilding: (app) => [...entries.values()].some(({ deploy }) => deploy.appId === app),
    async stop() {
      stopping.abort()
      await Promise.all([...entries.values()].map(({ done }) => done))
    },
  }
}
