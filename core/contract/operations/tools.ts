/** What tells of Berth itself. */
import { templateDetail, templatesView, versionView } from '../tools.ts'
import type { Operations } from './operation.ts'

export const toolOperations = {
  'GET /version': { summary: "Show the platform's version", need: 'anyone:read', answer: versionView },
  'GET /templates': { summary: 'List the sample apps', need: 'anyone:read', answer: templatesView },
  'GET /templates/:template': {
    summary: 'Show a sample app with its files',
    need: 'anyone:read',
    answer: templateDetail,
  },
} satisfies Operations
