/** What is watched besides apps: tenants' budgets, hosts, certificates. */
import type { AlertRules, Subject } from '#core/domain/alert.ts'
import { describeBudget, type BudgetStanding } from '#core/domain/budget.ts'
import { isValidAt, type Certificate } from '#core/domain/certificate.ts'
import type { Level, Reading } from './decide.ts'
import type { WatchedApp, WatchedCertificate, WatchedHost, WatchedOrder, WatchedTenant } from './facts.ts'

const DAY_MS = 24 * 3600_000
const GIB = 1024 ** 3

const ofPlatform: Subject = { appId: null, appName: null, tenantId: null, hostId: null }

export function readTenant({ id, rules, budget, requestBudget }: WatchedTenant): Reading[] {
  if (!rules.quota.on) return []
  const read = (group: string, standing: BudgetStanding | null): Reading => {
    const mark = standing?.mark ?? 0
    return {
      key: `quota:${id}:${group}`,
      kind: 'quota',
      subject: { ...ofPlatform, tenantId: id },
      level: mark >= (rules.quota.limit ?? 75) ? 'over' : 'under',
      mark,
      text: standing ? `${describeBudget(standing)} by ${id}${endOf(standing, group)}` : '',
      forMs: 0,
      easeMs: 0,
    }
  }
  return [read('running', budget), read('requests', requestBudget)]
}

function endOf({ mark }: BudgetStanding, group: string): string {
  if (mark < 100) return ''
  return group === 'requests'
    ? ': its requests are refused until the month turns'
    : ': it is stopped until the month turns'
}

/** A forged job is told of for so long after the last one. */
const FORGED_MS = 10 * 60_000

export function readHost(
  { id, live, cordoned, disk, refusedJobs }: WatchedHost,
  rules: AlertRules,
  now: number,
): Reading[] {
  const subject = { ...ofPlatform, hostId: id }
  const lost: Reading = {
    key: `hostLost:${id}`,
    kind: 'hostLost',
    subject,
    // Whoever cordons a host may mean to turn it off.
    level: live || cordoned ? 'under' : 'over',
    mark: 0,
    text: `The host ${id} gives no sign of life; its instances are started elsewhere`,
    forMs: rules.hostLost.forMs,
    easeMs: 0,
  }
  const limit = rules.disk.limit ?? 100
  const percent = disk ? (disk.usedBytes / disk.totalBytes) * 100 : 0
  const level: Level = !disk || !live ? 'unknown' : percent > limit ? 'over' : percent <= limit - 5 ? 'under' : 'near'
  const full: Reading = {
    key: `disk:${id}`,
    kind: 'disk',
    subject,
    level,
    mark: 0,
    text: disk
      ? `The disk of the host ${id} is ${Math.round(percent)} % full, ${Math.round(disk.usedBytes / GIB)} of ${Math.round(disk.totalBytes / GIB)} GB; the limit is ${limit} %`
      : '',
    forMs: rules.disk.forMs,
    easeMs: 60_000,
  }
  const last = refusedJobs?.last ?? null
  const forged: Reading = {
    key: `forgedJob:${id}`,
    kind: 'forgedJob',
    subject,
    level: last !== null && now - last.at < FORGED_MS ? 'over' : 'under',
    mark: 0,
    text:
      refusedJobs && last
        ? `The host ${id} ignored ${refusedJobs.count} jobs that the controller did not send it (${last.reason}): somebody else writes to its queue in Redis`
        : '',
    forMs: rules.forgedJob.forMs,
    easeMs: 0,
  }
  return [lost, full, forged].filter(({ kind }) => rules[kind].on)
}

const subjectOf = (owner: WatchedApp | null): Subject =>
  owner ? { appId: owner.id, appName: owner.name, tenantId: owner.tenantId, hostId: null } : ofPlatform

/** A certificate that serves something, and that no other one outlives there. */
export function readCertificate(
  { certificate, owner }: WatchedCertificate,
  all: readonly WatchedCertificate[],
  platform: AlertRules,
  now: number,
): Reading[] {
  const rules = owner?.rules ?? platform
  const alone = certificate.hosts.filter(
    (host) => !all.some((one) => outlives(one.certificate, certificate, host, now)),
  )
  const [host] = alone
  if (!rules.certificate.on || host === undefined || certificate.source === 'selfSigned') return []
  const left = certificate.notAfter - now
  const hosts = alone.length === 1 ? host : `${host} and ${alone.length - 1} more`
  const day = new Date(certificate.notAfter).toISOString().slice(0, 10)
  return [
    {
      key: `certificate:${certificate.id}`,
      kind: 'certificate',
      subject: subjectOf(owner),
      level: left < warnBefore(certificate, rules) ? 'over' : 'under',
      mark: left <= 0 ? 2 : left < DAY_MS ? 1 : 0,
      text:
        left <= 0
          ? `The certificate for ${hosts} expired on ${day}`
          : `The certificate for ${hosts} expires on ${day}, in ${Math.floor(left / DAY_MS)} days`,
      forMs: 0,
      easeMs: 0,
    },
  ]
}

const outlives = (one: Certificate, than: Certificate, host: string, now: number): boolean =>
  one.id !== than.id && one.hosts.includes(host) && isValidAt(one, now) && one.notAfter > than.notAfter

/** A certificate that lives for days only is renewed late in its life, and that is no alert. */
function warnBefore({ notBefore, notAfter, source }: Certificate, rules: AlertRules): number {
  const asked = (rules.certificate.limit ?? 14) * DAY_MS
  return source === 'acme' ? Math.min(asked, (notAfter - notBefore) / 5) : asked
}

/** An authority's first refusals are often DNS that is not there yet. */
const FAILURES = 3

export function readOrder({ standing, owner }: WatchedOrder, platform: AlertRules): Reading[] {
  const rules = owner?.rules ?? platform
  if (!rules.certificate.on) return []
  const { host, failures, problem } = standing
  return [
    {
      key: `order:${host}`,
      kind: 'certificate',
      subject: subjectOf(owner),
      level: failures >= FAILURES ? 'over' : 'under',
      mark: 0,
      text: `No certificate for ${host} after ${failures} tries: ${problem?.text ?? 'the authority refuses'}`,
      forMs: 0,
      easeMs: 0,
    },
  ]
}
