/** Whose a host is: what may be claimed at all, the look into DNS, and looking again for those that are pending. */
import { Resolver } from 'node:dns/promises'
import { domainToASCII } from 'node:url'
import { getPublicSuffix } from 'tldts'
import type { App } from '#core/domain/app.ts'
import { addressText, challengeName, isDue, nextCheckAt, type Domain, type NameRules } from '#core/domain/domain.ts'
import { repeat } from '#core/runtime/clock.ts'
import type { Log } from '#core/runtime/log.ts'
import { loadApps } from '#core/store/apps.ts'
import type { Store } from '#core/store/connection.ts'
import { noteCheck, verifyDomain } from '#core/store/domains.ts'
import { appendEvent } from '#core/store/events.ts'
import { eventOfApp } from './events.ts'

/** @param platform the platform's own domain */
export const nameRules = (platform: string): NameRules => ({
  toAscii: domainToASCII,
  // With the list's private part, where the likes of github.io are.
  isPublicSuffix: (name) => getPublicSuffix(name, { allowPrivateDomains: true }) === name,
  platform,
})

/** Asks for the TXT records of a name, each as one text. @throws what node:dns throws */
export type LookUp = (name: string) => Promise<string[]>

/** A look is over within about six seconds, also where no name server answers. */
const ASK_WITHIN_MS = 2_000
const ASK_TIMES = 2

/** @param servers addresses with or without a port; none: the machine's own */
export function createLookUp(servers: string[]): LookUp {
  const resolver = new Resolver({ timeout: ASK_WITHIN_MS, tries: ASK_TIMES })
  if (servers.length > 0) resolver.setServers(servers)
  return async (name) => (await resolver.resolveTxt(name)).map((pieces) => pieces.join(''))
}

export type DomainContext = {
  store: Store
  log: Log
  now: () => number
  lookUp: LookUp
  /** Tells the reconciler to look now. */
  wake: () => void
  /** Tells the work on certificates to look now. */
  certificates: { wake(): void }
}

/**
 * Looks into DNS for a pending domain, and gives it to its app if the proof is there.
 * @param actor who asked for it; null: nobody did
 */
export async function checkDomain(context: DomainContext, domain: Domain, actor: string | null): Promise<void> {
  const problem = await problemOf(domain, context.lookUp)
  if (problem !== null) return note(context, domain, problem)
  const { store, now } = context
  const outcome = await verifyDomain(store, domain, { at: now(), by: 'dns' })
  if (outcome === 'verified') await announceVerified(context, domain, 'its DNS shows that it is yours', actor)
  if (outcome === 'taken') await note(context, domain, 'it belongs to somebody else here, or overlaps with what does')
}

/** Says that a domain carries traffic from now on. */
export async function announceVerified(
  { store, log, now, wake, certificates }: Pick<DomainContext, 'store' | 'log' | 'now' | 'wake' | 'certificates'>,
  domain: Domain,
  why: string,
  actor: string | null,
): Promise<void> {
  wake()
  certificates.wake()
  const address = addressText(domain)
  log.info('domain verified', { appId: domain.appId, tenantId: domain.tenantId, domain: address, why, actor })
  await appendEvent(store, domain.appId, eventOfApp('domainVerified', `${address} is verified: ${why}`, actor, now()))
}

async function note({ store, now }: DomainContext, domain: Domain, problem: string): Promise<void> {
  const at = now()
  const tries = (domain.check?.tries ?? 0) + 1
  await noteCheck(store, domain, { at, problem, tries, nextAt: nextCheckAt(tries, at) })
}

/** @returns what is missing, as the end of a sentence; null when the proof is there */
async function problemOf({ host, token }: Domain, lookUp: LookUp): Promise<string | null> {
  const name = challengeName(host)
  try {
    const values = await lookUp(name)
    return values.includes(token) ? null : `${name} has ${values.length} TXT records, and none is the one expected`
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ENOTFOUND' || code === 'ENODATA') return `there is no TXT record ${name} yet`
    return `the name servers gave no answer for ${name} (${code || 'unknown'})`
  }
}

const LOOK_EVERY_MS = 10_000
/** Asked at a time, so that the names of one slow zone do not hold up all others. */
const AT_ONCE = 16

/** @param held aborts when this process leads no more */
export async function watchDomains(context: DomainContext, held: AbortSignal): Promise<void> {
  await repeat(
    LOOK_EVERY_MS,
    () => lookAtDomains(context, held),
    held,
    (error) => context.log.warn('pending domains not looked at', { error }),
  )
}

/** Once: each pending domain whose turn it is. */
export async function lookAtDomains(context: DomainContext, held: AbortSignal): Promise<void> {
  const due = (await loadApps(context.store))
    .flatMap(({ domains }: App) => domains)
    .filter((domain) => isDue(domain, context.now()))
  const next = due.values()
  const work = async () => {
    for (const domain of next) if (!held.aborted) await checkDomain(context, domain, null)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}
