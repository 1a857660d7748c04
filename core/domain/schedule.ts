/**
 * Schedules as crontab(5) has them, in UTC: when one is due. Builds read them in the sandbox, where no package is; so
 * this is Berth's own, and the tests compare it with one.
 */

export type Schedule = {
  /** Each sorted. Weekdays from 0, Sunday. */
  minutes: number[]
  hours: number[]
  days: number[]
  months: number[]
  weekdays: number[]
  /** Where day and weekday are both restricted, either is enough. */
  eitherDay: boolean
}

export type ParsedSchedule = { ok: true; schedule: Schedule } | { ok: false; problem: string }

type Field = { name: string; from: number; to: number; names?: string[] }

const MINUTE: Field = { name: 'minute', from: 0, to: 59 }
const HOUR: Field = { name: 'hour', from: 0, to: 23 }
const DAY: Field = { name: 'day of the month', from: 1, to: 31 }
const MONTH: Field = {
  name: 'month',
  from: 1,
  to: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
}
const WEEKDAY: Field = {
  name: 'day of the week',
  from: 0,
  to: 7,
  names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
}

const shorthands: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
}

/** @returns the schedule, or what is wrong with the text as a clause for a sentence */
export function parseSchedule(text: string): ParsedSchedule {
  const short = Object.hasOwn(shorthands, text) ? shorthands[text] : undefined
  if (text.startsWith('@') && short === undefined)
    return wrong(`${JSON.stringify(text)} is none of ${Object.keys(shorthands).join(', ')}`)
  const fields = (short ?? text).trim().split(/[ \t]+/)
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields
  if (fields.length !== 5 || minute === '')
    return wrong(
      `it has ${minute === '' ? 'no' : fields.length} fields instead of five (minute, hour, day of the month, month, day of the week)`,
    )
  try {
    const schedule = {
      minutes: valuesIn(minute, MINUTE),
      hours: valuesIn(hour, HOUR),
      days: valuesIn(day, DAY),
      months: valuesIn(month, MONTH),
      weekdays: sorted(valuesIn(weekday, WEEKDAY).map((n) => n % 7)),
      eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
    }
    return nextTick(schedule, 0) === null ? wrong('it names a day that never comes') : { ok: true, schedule }
  } catch (error) {
    if (error instanceof Wrong) return wrong(error.message)
    throw error
  }
}

/** Ends the reading of a field; never leaves this file. */
class Wrong extends Error {}

const wrong = (problem: string): ParsedSchedule => ({ ok: false, problem })

/** `*`, `5`, `1-5`, each of the last two with names; a step after `*` or a range; several with commas. */
function valuesIn(text: string, field: Field): number[] {
  return sorted(text.split(',').flatMap((part) => rangeIn(part, field)))
}

function rangeIn(part: string, field: Field): number[] {
  const [, range = '', step] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(part) ?? []
  const [first = '', last] = range === '*' ? [String(field.from), String(field.to)] : range.split('-')
  if (step !== undefined && (Number(step) === 0 || last === undefined)) throw misread(part, field)
  const [from, to] = [valueIn(first, part, field), valueIn(last ?? first, part, field)]
  if (from > to || range.split('-').length > 2) throw misread(part, field)
  const values: number[] = []
  for (let n = from; n <= to; n += Number(step ?? 1)) values.push(n)
  return values
}

function valueIn(text: string, part: string, field: Field): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1
  const value = named >= 0 ? named + field.from : /^\d{1,2}$/.test(text) ? Number(text) : NaN
  if (!(value >= field.from && value <= field.to)) throw misread(part, field)
  return value
}

const misread = (part: string, { name, from, to }: Field): Wrong =>
  new Wrong(
    `its ${name} must be of ${from} to ${to}, as in *, 5, 1-5, */15 or 1,15; got ${JSON.stringify(part.slice(0, 40))}`,
  )

const sorted = (values: number[]): number[] => [...new Set(values)].sort((a, b) => a - b)

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** Between two 29ths of February may be eight years. */
const SEARCHED_DAYS = 9 * 366

/** @returns the first tick after a time, ms since 1970; null: none comes */
export function nextTick(schedule: Schedule, after: number): number | null {
  const first = dayOf(after)
  for (let day = first; day < first + SEARCHED_DAYS; day++) {
    if (!isDue(schedule, day)) continue
    const inDay = after - day * DAY_MS
    const hour = schedule.hours.find((at) => lastOf(schedule, at) > inDay)
    if (hour === undefined) continue
    const minute = schedule.minutes.find((at) => within(hour, at) > inDay) ?? 0
    return day * DAY_MS + within(hour, minute)
  }
  return null
}

/** @returns the last tick until a time, that moment included; null: there was none in years */
export function lastTick(schedule: Schedule, until: number): number | null {
  const last = dayOf(until)
  for (let day = last; day > last - SEARCHED_DAYS; day--) {
    if (!isDue(schedule, day)) continue
    const inDay = until - day * DAY_MS
    const hour = schedule.hours.findLast((at) => within(at, schedule.minutes[0] ?? 0) <= inDay)
    if (hour === undefined) continue
    const minute = schedule.minutes.findLast((at) => within(hour, at) <= inDay) ?? 0
    return day * DAY_MS + within(hour, minute)
  }
  return null
}

/** @returns how many ticks lie after one time, until another; counting ends soon after `most` */
export function countTicks(schedule: Schedule, after: number, until: number, most: number): number {
  let count = 0
  for (let day = dayOf(after); day <= dayOf(until) && count < most; day++) {
    if (!isDue(schedule, day)) continue
    const [from, to] = [after - day * DAY_MS, until - day * DAY_MS]
    for (const hour of schedule.hours)
      count += schedule.minutes.filter((minute) => within(hour, minute) > from && within(hour, minute) <= to).length
  }
  return count
}

const dayOf = (at: number): number => Math.floor(at / DAY_MS)

/** From the beginning of a day. */
const within = (hour: number, minute: number): number => (hour * 60 + minute) * MINUTE_MS
const lastOf = ({ minutes }: Schedule, hour: number): number => within(hour, minutes.at(-1) ?? 0)

/** @param day since 1970 */
function isDue({ days, months, weekdays, eitherDay }: Schedule, day: number): boolean {
  const date = new Date(day * DAY_MS)
  if (!months.includes(date.getUTCMonth() + 1)) return false
  const [inMonth, inWeek] = [days.includes(date.getUTCDate()), weekdays.includes(date.getUTCDay())]
  return eitherDay ? inMonth || inWeek : inMonth && inWeek
}
