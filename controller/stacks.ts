/** What operators do with stacks: order one, put one into use, go back, destroy one. */
import {
  badRequest,
  noEarlierStack,
  noHostForStack,
  notFound,
  stackIncompatible,
  stackInUse,
  stackNotBuilt,
} from '#core/domain/errors.ts'
import type { Host } from '#core/domain/host.ts'
import type { HostId } from '#core/domain/ids.ts'
import { debianOf, nextStackName, type KnownStack, type Stack } from '#core/domain/stack.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadHosts } from '#core/store/hosts.ts'
import { loadInstances } from '#core/store/instances.ts'
import { loadRelease } from '#core/store/releases.ts'
import {
  createStack,
  loadStack,
  loadStackChoice,
  loadStacks,
  removeStack,
  saveStackChoice,
} from '#core/store/stacks.ts'
import type { Layers } from './layers.ts'

export type StackContext = {
  store: Store
  log: Log
  layers: Pick<Layers, 'remove'>
  now: () => number
  wake: () => void
}

const NAME_TRIES = 20

/**
 * Records that a host is to make a stack from the one in use, or from nothing.
 * @param order `host` undefined: any that takes work
 * @throws NO_HOST, NOT_FOUND
 */
export async function orderStack(
  { store, log, now }: StackContext,
  order: { host: HostId | undefined; fresh: boolean; actor: string },
): Promise<Stack> {
  const host = builderOf(await loadHosts(store), order.host)
  const base = (await loadStackChoice(store))?.current ?? null
  for (let tries = 0; tries < NAME_TRIES; tries++) {
    const taken = (await loadStacks(store)).map(({ name }) => name)
    const stack: Stack = { ...order, host, base, name: nextStackName(taken, now()), createdAt: now() }
    if (!(await createStack(store, stack))) continue
    log.info('stack ordered', { stack: stack.name, hostId: host, actor: order.actor })
    return stack
  }
  throw badRequest('Too many stacks are being ordered at once. Try again.')
}

function builderOf(hosts: Host[], wanted: HostId | undefined): HostId {
  const host = hosts.find(({ id, live, cordoned }) => live && (wanted === undefined ? !cordoned : id === wanted))
  if (host) return host.id
  throw wanted === undefined ? noHostForStack() : notFound('live host', wanted)
}

/**
 * Makes a stack that of all apps; the reconciler moves them.
 * @param name may be a hosts' own image: then each host runs its own again
 * @param force also where apps were built on another Debian release
 * @throws NOT_FOUND, STACK_NOT_BUILT, STACK_INCOMPATIBLE
 */
export async function useStack(context: StackContext, name: string, force: boolean, actor: string): Promise<void> {
  const { store } = context
  const isOwn = (await loadStack(store, name)) === null && (await loadHosts(store)).some(({ stack }) => stack === name)
  if (!isOwn) await checkUsable(store, name, force)
  await choose(context, isOwn ? null : name, actor)
}

/** Back to the stack that was in use before. @throws NO_EARLIER_STACK, and as useStack */
export async function rollBackStack(context: StackContext, force: boolean, actor: string): Promise<void> {
  const choice = await loadStackChoice(context.store)
  if (choice === null) throw noEarlierStack()
  if (choice.previous !== null) await checkUsable(context.store, choice.previous, force)
  await choose(context, choice.previous, actor)
}

async function checkUsable(store: Store, name: string, force: boolean): Promise<void> {
  const stack = await loadStack(store, name)
  if (stack === null) throw notFound('stack', name)
  if (stack.report?.state !== 'built') throw stackNotBuilt(name)
  const apps = force ? [] : await builtElsewhere(store, name)
  if (apps.length > 0) throw stackIncompatible(name, apps)
}

/** Apps whose programs were built on another Debian release than the stack's. */
async function builtElsewhere(store: Store, name: string): Promise<string[]> {
  const found: string[] = []
  for (const app of await loadApps(store)) {
    const version = (app.current ?? app.target)?.release
    const release = version === undefined ? null : await loadRelease(store, app.id, version)
    const debian = release && debianOf(release.slug.stack)
    if (debian !== null && debian !== debianOf(name)) found.push(app.name)
  }
  return found
}

async function choose(context: StackContext, current: string | null, actor: string): Promise<void> {
  const { store, log, now, wake } = context
  const before = (await loadStackChoice(store))?.current ?? null
  if (before === current) return
  await saveStackChoice(store, { current, previous: before, since: now(), actor })
  wake()
  log.info('stack in use changed', { stack: current, before, actor })
  for (const { id, current: release } of await loadApps(store)) {
    if (release === null) continue
    await appendEvent(store, id, {
      at: now(),
      kind: 'stackChanged',
      process: null,
      instance: null,
      host: null,
      release: release.release,
      actor,
      text: `moves to the stack ${current ?? "of each host's own"}, one instance after the other; nothing is built again`,
      lastOutput: [],
    })
  }
}

/** @throws STACK_IN_USE */
export async function destroyStack(context: StackContext, stack: KnownStack, actor: string): Promise<void> {
  const { store, log, layers } = context
  const why = await whyKept(store, stack)
  if (why !== null) throw stackInUse(stack.name, why)
  await removeStack(store, stack.name)
  if (stack.report?.state === 'built') await layers.remove(stack.report.digest)
  log.info('stack destroyed', { stack: stack.name, actor })
}

async function whyKept(store: Store, stack: KnownStack): Promise<string | null> {
  const [choice, instances, hosts, stacks] = await Promise.all([
    loadStackChoice(store),
    loadInstances(store),
    loadHosts(store),
    loadStacks(store),
  ])
  if (choice?.current === stack.name) return 'it is the stack in use; put another into use first'
  const users = instances.filter(({ desired }) => desired.stack === stack.name).length
  if (users > 0) return `${users} instances still run on it`
  if (isUnderWay(stack, hosts)) return 'it is being built'
  const heir = stacks.find((other) => other.base === stack.name && isUnderWay(other, hosts))
  return heir ? `${heir.name} is being built from it` : null
}

/** A host that is lost builds nothing; when it comes back it goes on. */
export const isUnderWay = ({ host, report }: KnownStack, hosts: Host[]): boolean =>
  (report === null || report.state === 'building') && hosts.some(({ id, live }) => id === host && live)
