/** Looks at what instances were refused by the network's caps, and records an event of it for their people. */
import { processName } from '#core/domain/instance.ts'
import type { Log } from '#core/runtime/log.ts'
import { readRefused } from '../sandbox/network.ts'
import type { Refused } from '../sandbox/ruleset.ts'
import type { InstanceRecord } from './record.ts'
import { describeRefusal, watchRefusals, type News, type Seen, type Watch } from './refusals.ts'
import type { Supervisor } from './supervisor.ts'

export function createCapWatch({
  slot,
  log,
  supervisor,
  now,
}: {
  slot: number
  log: Log
  supervisor: Pick<Supervisor, 'inUse' | 'tell'>
  now: () => number
}): { look(): Promise<void> } {
  let before: Watch | null = null

  async function tell(one: News, records: InstanceRecord[]): Promise<void> {
    const desired = records.find(({ desired: { id } }) => id === one.id)?.desired
    if (!desired) return
    const { kind, text } = describeRefusal(one, processName(desired), desired.ceilings)
    log.info('cap of the network reached', { instance: one.id, app: desired.appName, kind, packets: one.packets })
    await supervisor.tell(one.id, kind, text)
  }

  return {
    async look() {
      const refused = await readRefused(slot)
      const records = supervisor.inUse()
      const { watch, news } = watchRefusals(before, seenOf(records, refused), now())
      before = watch
      for (const one of news) await tell(one, records)
    },
  }
}

const seenOf = (records: InstanceRecord[], refused: Map<number, Refused>): Seen[] =>
  records.flatMap(({ desired: { id }, sandbox }) => {
    const counted = sandbox && refused.get(sandbox.index)
    return counted ? [{ id, place: sandbox.index, refused: counted }] : []
  })
