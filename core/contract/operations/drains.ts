/** Where lines of logs are sent on to. */
import { addDrain, drainsView, drainView } from '../drains.ts'
import type { Operations } from './operation.ts'

export const drainOperations = {
  'GET /apps/:app/drains': { summary: "List an app's drains", need: 'app:read', answer: drainsView },
  'POST /apps/:app/drains': {
    summary: "Send an app's log on to a collector",
    need: 'app:write',
    body: addDrain,
    answer: drainView,
    status: 201,
  },
  'DELETE /apps/:app/drains/:drain': { summary: 'Remove a drain of an app', need: 'app:write', status: 204 },
  'GET /drains': { summary: 'List the drains of all logs', need: 'platform:read', answer: drainsView },
  'POST /drains': {
    summary: 'Send the logs of all apps on to a collector',
    need: 'platform:write',
    body: addDrain,
    answer: drainView,
    status: 201,
  },
  'DELETE /drains/:drain': { summary: 'Remove a drain of all logs', need: 'platform:write', status: 204 },
} satisfies Operations
