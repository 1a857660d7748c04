/** What makes new code run: sources, builds, deploys, releases and slugs. */
import { adoptSlug } from '../slug-file.ts'
import { buildOutputQuery, rollback, uploadQuery, pageQuery } from '../bodies/index.ts'
import {
  buildView,
  buildsView,
  deployAccepted,
  deployLogLine,
  deployView,
  deploysView,
  releaseView,
  releasesView,
  slugsView,
} from '../views/index.ts'
import type { Operations } from './operation.ts'

export const codeOperations = {
  'POST /apps/:app/source': {
    summary: 'Deploy a folder, as a tar archive',
    need: 'app:write',
    query: uploadQuery,
    takes: 'application/x-tar',
    answer: deployAccepted,
    status: 202,
  },
  'GET /apps/:app/builds': { summary: 'List the builds', need: 'app:read', query: pageQuery, answer: buildsView },
  'GET /apps/:app/builds/:build': { summary: 'Show a build', need: 'app:read', answer: buildView },
  'GET /apps/:app/builds/:build/output': {
    summary: 'Read or follow what a build says',
    need: 'app:read',
    answer: deployLogLine,
    query: buildOutputQuery,
    media: 'application/x-ndjson',
    orEvents: true,
  },
  'POST /apps/:app/builds/:build/cancel': {
    summary: 'Cancel a build',
    need: 'app:write',
    answer: buildView,
    status: 202,
  },
  'DELETE /apps/:app/build-cache': { summary: 'Forget what builds have cached', need: 'app:write', status: 204 },
  'GET /apps/:app/deploys': { summary: 'List the deploys', need: 'app:read', query: pageQuery, answer: deploysView },
  'GET /apps/:app/deploys/:deploy': { summary: 'Show a deploy', need: 'app:read', answer: deployView },
  'GET /apps/:app/deploys/:deploy/log': {
    summary: 'Follow a deploy to its end',
    need: 'app:read',
    answer: deployLogLine,
    media: 'application/x-ndjson',
    orEvents: true,
  },
  'GET /apps/:app/releases': { summary: 'List the releases', need: 'app:read', query: pageQuery, answer: releasesView },
  'GET /apps/:app/releases/:version': { summary: 'Show a release', need: 'app:read', answer: releaseView },
  'POST /apps/:app/rollback': {
    summary: 'Go back to an earlier release',
    need: 'app:write',
    answer: deployAccepted,
    body: rollback,
    status: 202,
  },
  'GET /apps/:app/slugs': { summary: "Show what of an app's code is stored", need: 'app:read', answer: slugsView },
  'POST /apps/:app/slugs/adopt': {
    summary: "Deploy another app's release",
    need: 'app:write',
    answer: deployAccepted,
    body: adoptSlug,
    status: 202,
  },
  'POST /apps/:app/slugs/file': {
    takes: 'application/x-tar',
    summary: 'Deploy a ready slug',
    need: 'app:write',
    answer: deployAccepted,
    status: 202,
  },
  'GET /apps/:app/slugs/:release/file': {
    summary: "Download a release's slug",
    need: 'app:write',
    media: 'application/x-tar',
  },
} satisfies Operations
