/** `cron` of app.json, as Dokku has it: a list of commands with their schedules. Pure. */
import type { CronJob } from '#core/domain/cron.ts'
import { parseSchedule } from '#core/domain/schedule.ts'
import { commandOf, itemsOf, memberOf, membersOf, textOf, wholeOf, wrong, type Field, type Ignore } from './fields.ts'

const MAX_JOBS = 50
const DEFAULT_TIMEOUT_S = 3600
const LONGEST_S = 86_400

/** Dokku's words, and Berth's own. */
const overlaps: Record<string, CronJob['overlap']> = {
  allow: 'allow',
  forbid: 'skip',
  skip: 'skip',
  replace: 'replace',
}

/** @throws BuildFailure */
export function readCron(field: Field, ignore: Ignore): CronJob[] {
  const items = itemsOf(field)
  if (items.length > MAX_JOBS) throw wrong(field, `a list of at most ${MAX_JOBS} jobs`)
  const taken = new Set<string>()
  return items.map((item) => {
    const job = readJob(item, taken, ignore)
    taken.add(job.name)
    return job
  })
}

const known = ['name', 'command', 'schedule', 'timeout', 'overlap', 'concurrency_policy']

function readJob(field: Field, taken: Set<string>, ignore: Ignore): CronJob {
  for (const [name, { path }] of membersOf(field)) if (!known.includes(name)) ignore(path)
  const command = commandOf(must(field, 'command'))
  const timeout = memberOf(field, 'timeout')
  return {
    name: readName(field, command, taken),
    command,
    schedule: readSchedule(must(field, 'schedule')),
    timeoutMs: (timeout ? wholeOf(timeout, 1, LONGEST_S) : DEFAULT_TIMEOUT_S) * 1000,
    overlap: readOverlap(memberOf(field, 'overlap') ?? memberOf(field, 'concurrency_policy')),
  }
}

function must(field: Field, name: string): Field {
  const found = memberOf(field, name)
  if (found === null) throw wrong(field, `an object with a "${name}"`)
  return found
}

function readName(field: Field, command: string, taken: Set<string>): string {
  const given = memberOf(field, 'name')
  if (given === null) return freeName(command, taken)
  const name = textOf(given)
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name)) throw wrong(given, 'a name of lower-case letters, digits and dashes')
  if (taken.has(name)) throw wrong(given, 'a name that no other job has')
  return name
}

/** `bin/rake reports:daily --all` is called `bin-rake-reports-daily-all`. */
function freeName(command: string, taken: Set<string>): string {
  const words = command
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
  const name = words.slice(0, 36).replace(/-+$/, '') || 'job'
  let free = name
  for (let n = 2; taken.has(free); n++) free = `${name}-${n}`
  return free
}

function readSchedule(field: Field): string {
  const schedule = textOf(field).trim().replace(/\s+/g, ' ')
  const parsed = parseSchedule(schedule)
  if (!parsed.ok)
    throw wrong(
      field,
      `five fields as in crontab(5) such as "*/5 * * * *", or "@daily" and the like; ${parsed.problem}`,
    )
  return schedule
}

function readOverlap(field: Field | null): CronJob['overlap'] {
  if (field === null) return 'skip'
  const word = textOf(field)
  const overlap = Object.hasOwn(overlaps, word) ? overlaps[word] : undefined
  if (overlap === undefined) throw wrong(field, `one of ${Object.keys(overlaps).join(', ')}`)
  return overlap
}
