/**
 * One successful call of every operation, in an order in which each can succeed. Names in paths are taken from what the world
 * was made with, and from what earlier answers were kept as. An operation that is not in here fails the test.
 */
import { apps, code, traffic } from './apps.ts'
import { identity } from './identity.ts'
import { outbound } from './outbound.ts'
import { platform, tenancy, tools } from './platform.ts'
import { running } from './running.ts'
import type { Visit } from './visit.ts'

export type { Names, Seen, Visit, Who } from './visit.ts'

const last: Visit[] = [{ route: 'DELETE /apps/:app', query: '?confirm=shop' }]

export const visits: Visit[] = [
  ...apps,
  ...code,
  ...traffic,
  ...running,
  ...outbound,
  ...tenancy,
  ...identity,
  ...platform,
  ...tools,
  ...last,
]
