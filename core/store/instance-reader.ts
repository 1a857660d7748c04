/** Reads instances again and again, from the two places where they are written: what is wanted, and what the host's agent says. */
import type { HostId, InstanceId } from '../domain/ids.ts'
import type { Desired, Instance } from '../domain/instance.ts'
import type { Store } from './connection.ts'
import { toDesired, toInstance } from './instances.ts'
import { keys } from './keys.ts'
import { createReader, type RecordReader } from './reader.ts'

/** What an earlier version wrote beside what is wanted is in `old`. */
type Wanted = { desired: Desired; old: Fields }
type Fields = Record<string, string>
type Known = { wanted: Wanted; report: Fields | undefined; instance: Instance }

/** An instance is the same object as at the reading before, unless something of it changed. */
export function createInstanceReader(store: Store): RecordReader<InstanceId, Instance> {
  const hostOf = new Map<InstanceId, HostId>()
  let known = new Map<InstanceId, Known>()
  const wanted = createReader<InstanceId, Wanted>(store, {
    key: keys.instance,
    fields: ['desired', 'reported', 'stats'],
    parse(fields) {
      const desired = toDesired(fields)
      return desired && { desired, old: fields }
    },
  })
  const reports = createReader<InstanceId, Fields>(store, {
    key: (id) => keys.hostInstance(hostOf.get(id) ?? ('' as HostId), id),
    fields: ['reported', 'stats'],
    parse: (fields) => fields,
  })

  return {
    async read(ids) {
      const all = await wanted.read(ids)
      hostOf.clear()
      for (const [id, { desired }] of all) hostOf.set(id, desired.hostId)
      const said = await reports.read([...all.keys()])
      const next: typeof known = new Map()
      for (const [id, one] of all) {
        const before = known.get(id)
        const report = said.get(id)
        const isSame = before?.wanted === one && before.report === report
        const made = () => ({ wanted: one, report, instance: toInstance(one.desired, { ...one.old, ...report }) })
        next.set(id, isSame ? before : made())
      }
      known = next
      return new Map([...known].map(([id, { instance }]) => [id, instance]))
    },
  }
}
