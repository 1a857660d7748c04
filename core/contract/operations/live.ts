/** What changes, and what changed. */
import { liveChangeView, liveQuery } from '../live.ts'
import type { Operations } from './operation.ts'

export const liveOperations: Operations = {
  'GET /live': {
    summary: 'Follow what changes',
    need: 'anyone:read',
    query: liveQuery,
    answer: liveChangeView,
    media: 'text/event-stream',
  },
}
