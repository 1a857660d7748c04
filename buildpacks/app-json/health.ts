/**
 * `healthchecks` of app.json: one check per process type. Dokku has lists of them, of which what is asked at the start is
 * what Berth knows. Pure.
 */
import { START_TIMEOUT_MS, type HealthCheck } from '#core/domain/health-check.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import {
  itemsOf,
  memberOf,
  membersOf,
  textOf,
  truthOf,
  typeOf,
  wholeOf,
  wrong,
  type Field,
  type Ignore,
} from './fields.ts'

/** @throws BuildFailure */
export function readHealth(field: Field, ignore: Ignore): Partial<Record<ProcessType, HealthCheck>> {
  const health: Partial<Record<ProcessType, HealthCheck>> = {}
  for (const [name, checks] of membersOf(field)) {
    const type = typeOf(name, checks)
    const check = startCheckOf(checks, ignore)
    if (check !== null) health[type] = readCheck(check, ignore)
  }
  return health
}

function startCheckOf(field: Field, ignore: Ignore): Field | null {
  if (field.json.kind === 'object') return field
  const all = itemsOf(field)
  const isAtStart = (check: Field) => {
    const type = memberOf(check, 'type')
    return type === null || ['startup', 'readiness'].includes(textOf(type))
  }
  const [first = null, ...others] = all.filter(isAtStart)
  for (const { path } of [...all.filter((check) => !isAtStart(check)), ...others])
    ignore(path, 'Berth asks one check of each process type, at its start')
  return first
}

const known = [
  'kind',
  'path',
  'startTimeout',
  'type',
  'listening',
  'uptime',
  'attempts',
  'timeout',
  'wait',
  'initialDelay',
]
const LONGEST_S = 600

function readCheck(field: Field, ignore: Ignore): HealthCheck {
  for (const [name, { path }] of membersOf(field))
    if (!known.includes(name) && name !== 'name') ignore(path, 'Berth does not ask for it')
  const path = memberOf(field, 'path')
  return {
    kind: kindOf(field, path !== null),
    path: path === null ? '/' : pathOf(path),
    startTimeoutMs: timeoutOf(field),
  }
}

function kindOf(field: Field, hasPath: boolean): HealthCheck['kind'] {
  const kind = memberOf(field, 'kind')
  if (kind !== null) {
    const word = textOf(kind)
    if (word === 'http' || word === 'tcp' || word === 'none') return word
    throw wrong(kind, '"http", "tcp" or "none"')
  }
  if (hasPath) return 'http'
  const listening = memberOf(field, 'listening')
  if (listening && truthOf(listening)) return 'tcp'
  // That it runs for a while is all that Dokku asks then.
  return memberOf(field, 'uptime') === null ? 'http' : 'none'
}

function pathOf(field: Field): string {
  const path = textOf(field)
  if (/^\/[\x21-\x7e]{0,500}$/.test(path)) return path
  throw wrong(field, 'a path such as "/healthz"')
}

/** Berth's `startTimeout` in seconds, or what Dokku's attempts come to. */
function timeoutOf(field: Field): number {
  const given = memberOf(field, 'startTimeout')
  if (given !== null) return wholeOf(given, 1, LONGEST_S) * 1000
  const attempts = memberOf(field, 'attempts')
  if (attempts === null) return START_TIMEOUT_MS
  const seconds = (name: string, usual: number) => {
    const found = memberOf(field, name)
    return found === null ? usual : wholeOf(found, 0, LONGEST_S)
  }
  const each = seconds('timeout', 5) + seconds('wait', 5)
  const whole = seconds('initialDelay', 0) + wholeOf(attempts, 1, 1000) * each
  return Math.min(Math.max(whole, 1), LONGEST_S) * 1000
}
