import type { AppView } from '../../../../core/contract/api.ts'
import type { Word } from '../../text/words.ts'

/** @param running how many of its instances serve */
export function appState(app: AppView, running: number): Word {
  if (app.suspended !== null) return { text: 'Suspended', tone: 'bad' }
  if (app.paused !== null) return { text: 'Paused', tone: 'idle' }
  if (app.rollout?.state === 'rolling') return { text: `Rolling out v${app.rollout.release}`, tone: 'busy' }
  if (app.rollout?.state === 'failed') return { text: `v${app.rollout.release} failed`, tone: 'bad' }
  if (app.release === null) return { text: 'Not deployed', tone: 'idle' }
  const wanted = Object.values(app.formation).reduce((total, process) => total + (process?.count ?? 0), 0)
  if (wanted === 0) return { text: 'Scaled to none', tone: 'idle' }
  return running > 0 ? { text: 'Running', tone: 'good' } : { text: 'Down', tone: 'bad' }
}
