/** How the states of instances are coloured, wherever they are listed. */
import type { InstanceView } from '#core/contract/api.ts'
import type { Colour } from './text.ts'

export const stateColours: Record<InstanceView['state'], Colour> = {
  pending: 'yellow',
  starting: 'yellow',
  running: 'green',
  draining: 'grey',
  stopped: 'grey',
  failed: 'red',
  lost: 'red',
}
