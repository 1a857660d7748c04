import type { HostId } from '../domain/ids.ts'
import type { KnownStack, Stack, StackChoice, StackReport } from '../domain/stack.ts'
import { pack, unpack, type Store } from './connection.ts'
import { keys } from './keys.ts'

const KEEP_LOG_SECONDS = 7 * 24 * 3600
const MAX_LOG_LINES = 2_000

/** @returns false when the name is taken */
export async function createStack(store: Store, stack: Stack): Promise<boolean> {
  // Listed first: a name in the list without a record is nothing, a record that no list names would stay for ever.
  await store.sadd(keys.stacks, stack.name)
  return (await store.hsetnx(keys.stack(stack.name), 'record', pack(stack))) === 1
}

export async function loadStack(store: Store, name: string): Promise<KnownStack | null> {
  const fields = await store.hgetall(keys.stack(name))
  const stack = unpack<Stack>(fields['record'])
  if (stack === null) return null
  // An earlier version wrote the report beside the record.
  const report = (await store.get(keys.hostStack(stack.host, name))) ?? fields['report']
  return { ...stack, report: unpack<StackReport>(report) }
}

/** The newest first. */
export async function loadStacks(store: Store): Promise<KnownStack[]> {
  const names = await store.smembers(keys.stacks)
  const stacks = await Promise.all(names.map((name) => loadStack(store, name)))
  return stacks.filter((stack) => stack !== null).sort((a, b) => b.createdAt - a.createdAt)
}

/** @returns false when the stack was destroyed meanwhile */
export const reportStack = async (store: Store, host: HostId, name: string, report: StackReport): Promise<boolean> =>
  (await store.reportStack(keys.hostStack(host, name), keys.stack(name), pack(report))) === 1

export async function removeStack(store: Store, name: string): Promise<void> {
  const stack = await loadStack(store, name)
  const report = stack ? [keys.hostStack(stack.host, name)] : []
  await store
    .multi()
    .srem(keys.stacks, name)
    .del(keys.stack(name), keys.stackLog(name), ...report)
    .exec()
}

/** @returns null while no operator has chosen one */
export const loadStackChoice = async (store: Store): Promise<StackChoice | null> =>
  unpack<StackChoice>(await store.get(keys.stackChoice))

export async function saveStackChoice(store: Store, choice: StackChoice): Promise<void> {
  await store.set(keys.stackChoice, pack(choice))
}

export async function appendStackLog(store: Store, name: string, line: string): Promise<void> {
  await store
    .multi()
    .xadd(keys.stackLog(name), 'MAXLEN', '~', MAX_LOG_LINES, '*', 'line', line)
    .expire(keys.stackLog(name), KEEP_LOG_SECONDS)
    .exec()
}

/** @param after the `next` of an earlier read, or `0` */
export async function readStackLog(
  store: Store,
  name: string,
  after: string,
): Promise<{ lines: string[]; next: string }> {
  const rows = await store.xrange(keys.stackLog(name), after === '0' ? '-' : `(${after}`, '+', 'COUNT', 500)
  return { lines: rows.map(([, fields]) => fields[1] ?? ''), next: rows.at(-1)?.[0] ?? after }
}
