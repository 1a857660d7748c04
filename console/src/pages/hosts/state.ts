import type { HostView, InstanceView } from '../../../../core/contract/api.ts'
import type { Word } from '../../text/words.ts'

export const countHere = (instances: InstanceView[]): number =>
  instances.filter(({ state }) => state !== 'stopped').length

/** @param here how many instances are still on it */
export function hostState({ live, cordoned }: Pick<HostView, 'live' | 'cordoned'>, here: number): Word {
  if (!live) return { text: 'Lost', tone: 'bad' }
  if (!cordoned) return { text: 'Live', tone: 'good' }
  return here > 0 ? { text: `Draining, ${here} left`, tone: 'busy' } : { text: 'Drained', tone: 'idle' }
}
