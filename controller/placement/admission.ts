/**
 * Does a tenant's plan allow what is asked? What counts is what its apps are promised: the whole formation, of process
 * types that the newest release does not have too, since a rollback brings them back. What grows nothing is always
 * allowed, also where a plan was lowered below what is promised.
 *
 * CPU has no sum: the plan's CPU is a ceiling that the kernel holds, and idle instances may share it. Only one instance
 * that asks for more than the whole plan is refused, since it could never have that.
 */
import { processOf, type App, type Formation } from '#core/domain/app.ts'
import type { ProcessType } from '#core/domain/ids.ts'
import type { Plan } from '#core/domain/quota.ts'
import type { Resources } from '#core/domain/resources.ts'

export type Promised = { apps: number; instances: number; memoryMb: number; diskMb: number }
export type QuotaDimension = 'apps' | 'instances' | 'memory' | 'disk' | 'instance memory' | 'cpu'
export type QuotaShortage = {
  dimension: QuotaDimension
  /** MiB, thousandths of a core, or a number of things. */
  needed: number
  left: number
  limit: number
}

type Sized = Pick<App, 'id' | 'formation'>

/** @param runs sizes of the one-off runs that are not over */
export function promisedTo(apps: Pick<App, 'formation'>[], runs: Resources[] = []): Promised {
  const sum: Promised = { apps: apps.length, instances: runs.length, memoryMb: 0, diskMb: 0 }
  for (const { memoryMb, diskMb } of runs) {
    sum.memoryMb += memoryMb
    sum.diskMb += diskMb
  }
  for (const { formation } of apps) {
    for (const process of Object.values(formation)) {
      if (process === undefined) continue
      sum.instances += process.count
      sum.memoryMb += process.count * process.size.memoryMb
      sum.diskMb += process.count * process.size.diskMb
    }
  }
  return sum
}

/**
 * @param apps all of the tenant's, as they are
 * @param changed one of them with another formation, or a new one
 * @param runs sizes of the tenant's one-off runs that are not over
 * @returns what the plan is short of, the first of its dimensions; null when the change is allowed
 */
export function admit(plan: Plan, apps: Sized[], changed: Sized, runs: Resources[] = []): QuotaShortage | null {
  const before = promisedTo(apps, runs)
  const after = promisedTo([...apps.filter(({ id }) => id !== changed.id), changed], runs)
  const formationBefore = apps.find(({ id }) => id === changed.id)?.formation ?? {}
  return (
    shortOf('apps', before.apps, after.apps, plan.apps) ??
    tooLarge(plan, formationBefore, changed.formation) ??
    shortOf('instances', before.instances, after.instances, plan.instances) ??
    shortOf('memory', before.memoryMb, after.memoryMb, plan.memoryMb) ??
    shortOf('disk', before.diskMb, after.diskMb, plan.diskMb)
  )
}

/** May one more one-off run be begun? It counts like an instance for as long as it lasts. */
export function admitRun(plan: Plan, apps: Sized[], runs: Resources[], size: Resources): QuotaShortage | null {
  const before = promisedTo(apps, runs)
  const after = promisedTo(apps, [...runs, size])
  if (size.memoryMb > plan.instanceMemoryMb) return one('instance memory', size.memoryMb, plan.instanceMemoryMb)
  if (size.cpuMilli > plan.cpuMilli) return one('cpu', size.cpuMilli, plan.cpuMilli)
  return (
    shortOf('instances', before.instances, after.instances, plan.instances) ??
    shortOf('memory', before.memoryMb, after.memoryMb, plan.memoryMb) ??
    shortOf('disk', before.diskMb, after.diskMb, plan.diskMb)
  )
}

function shortOf(dimension: QuotaDimension, before: number, after: number, limit: number): QuotaShortage | null {
  if (after <= limit || after <= before) return null
  return { dimension, needed: after - before, left: Math.max(0, limit - before), limit }
}

/** What was given before the plan was lowered is kept; more of it, or a larger one, is not. */
function tooLarge(plan: Plan, before: Formation, after: Formation): QuotaShortage | null {
  for (const type of Object.keys(after) as ProcessType[]) {
    const now = processOf(after, type)
    const was = processOf(before, type)
    if (now === undefined) continue
    const isMore = now.count > (was?.count ?? 0)
    const { memoryMb, cpuMilli } = now.size
    if (memoryMb > plan.instanceMemoryMb && (isMore || memoryMb > (was?.size.memoryMb ?? 0)))
      return one('instance memory', memoryMb, plan.instanceMemoryMb)
    if (cpuMilli > plan.cpuMilli && (isMore || cpuMilli > (was?.size.cpuMilli ?? 0)))
      return one('cpu', cpuMilli, plan.cpuMilli)
  }
  return null
}

const one = (dimension: QuotaDimension, needed: number, limit: number): QuotaShortage => ({
  dimension,
  needed,
  left: limit,
  limit,
})

/** What to do about it. */
export const adviceFor = ({ dimension }: QuotaShortage): string =>
  dimension === 'instance memory' || dimension === 'cpu'
    ? 'Choose smaller instances (berth ps:resize), or ask the operator for a larger plan.'
    : 'Scale something down first, or ask the operator for a larger plan.'

/** For people: `needs 256 MB, 128 MB left of plan small's 2 GB memory`. */
export function describeQuotaShortage({ name }: Pick<Plan, 'name'>, short: QuotaShortage): string {
  const { dimension, needed, left, limit } = short
  const [amount, of] = units[dimension]
  if (dimension === 'instance memory' || dimension === 'cpu')
    return `needs ${amount(needed)} for one instance, plan ${name} gives one at most ${amount(limit)}`
  return `needs ${amount(needed)}, ${amount(left)} left of plan ${name}'s ${amount(limit)}${of}`
}

const megabytes = (mb: number): string =>
  mb >= 1024 && mb % 256 === 0 ? `${mb / 1024} GB` : `${Math.round(mb * 10) / 10} MB`
const things = (noun: string) => (count: number) => `${count} ${noun}${count === 1 ? '' : 's'}`

const units: Record<QuotaDimension, [amount: (value: number) => string, of: string]> = {
  apps: [things('app'), ''],
  instances: [things('instance'), ''],
  memory: [megabytes, ' memory'],
  disk: [megabytes, ' disk'],
  'instance memory': [megabytes, ''],
  cpu: [(milli) => `${milli / 1000} CPU`, ''],
}
