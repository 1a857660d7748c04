/**
 * Keeps what is wanted and what is there the same: one controller at a time, by lease, so that however many there are, an
 * authority is asked once. Each look: the ticket key, the platform's certificate, whose and for what each certificate is,
 * and what is due.
 */
import { setTimeout as wait } from 'node:timers/promises'
import {
  bestOf,
  nextAct,
  PROBLEM_LENGTH,
  renewalTime,
  retryTime,
  servedHosts,
  type Certificate,
  type Standing,
  type Wanted,
} from '#core/domain/certificate.ts'
import { messageOf } from '#core/domain/errors.ts'
import { makeId } from '#core/domain/ids.ts'
import type { AcmeConfig } from '#core/runtime/config.ts'
import {
  addCertificate,
  changeCertificate,
  loadCertificates,
  loadCertificatesVersion,
  loadChallenges,
  loadStandings,
  loadTicketKey,
  removeCertificate,
  removeChallenges,
  removeStanding,
  saveStanding,
  saveTicketKey,
} from '#core/store/certificates.ts'
import { loadApps } from '#core/store/apps.ts'
import { withLease } from '../reconcile/lease.ts'
import { chanceOf, platformHosts, type CertificateContext } from './context.ts'
import { issue, problemOf } from './issue.ts'
import { readPair } from './read.ts'
import { makeKey, makeSelfSigned } from './request.ts'

export type CertificateWork = {
  /** Domains or certificates changed: look now. */
  wake(): void
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 10_000
const TICKET_KEY_MS = 12 * 3600_000
/** Authorities limit what an account may have open at a time, and a platform with thousands of domains starts once. */
const AT_A_TIME = 4
const SELF_SIGNED_DAYS = 365
const DAY_MS = 24 * 3600_000

export function startCertificates(context: CertificateContext, times: { lookEveryMs?: number } = {}): CertificateWork {
  const { store, log, random } = context
  const ending = new AbortController()
  const owner = makeId('k', random(13))
  let rung = new AbortController()
  const keeper = new Keeper(context, () => rung.abort())

  const work = async (held: AbortSignal) => {
    while (!held.aborted) {
      rung = new AbortController()
      await keeper.look(held).catch((error: unknown) => {
        if (!held.aborted) log.warn('certificates not looked at', { cause: messageOf(error) })
      })
      const woken = AbortSignal.any([held, rung.signal])
      await wait(times.lookEveryMs ?? LOOK_EVERY_MS, undefined, { signal: woken }).catch(() => {})
    }
    await keeper.idle()
  }
  const leading = (async () => {
    while (!ending.signal.aborted) await withLease({ store, name: 'certificates', owner }, ending.signal, work)
  })()
  return {
    wake: () => rung.abort(),
    async stop() {
      ending.abort()
      await leading
    },
  }
}

/** What is remembered from one look to the next. */
export class Keeper {
  readonly #context: CertificateContext
  readonly #underWay = new Map<string, Promise<void>>()
  readonly #onDone: () => void
  #known: { version: number; certificates: Certificate[] } = { version: -1, certificates: [] }

  /** @param onDone called when an order is over, whatever came of it: another may begin */
  constructor(context: CertificateContext, onDone: () => void = () => {}) {
    this.#context = context
    this.#onDone = onDone
  }

  /** One look. What takes long, it begins; `idle` waits for that. */
  async look(held: AbortSignal): Promise<void> {
    await this.#renewTicketKey()
    await this.#dropOldChallenges()
    const certificates = await this.#certificates()
    await this.#selfSign(certificates)
    const wanted = await this.#wanted()
    await this.#align(certificates, wanted)
    await this.#order(await this.#certificates(), wanted, held)
  }

  async idle(): Promise<void> {
    await Promise.all(this.#underWay.values())
  }

  /** There can be many, so they are read again only when something changed. */
  async #certificates(): Promise<Certificate[]> {
    const { store } = this.#context
    const version = await loadCertificatesVersion(store)
    if (version !== this.#known.version) this.#known = { version, certificates: await loadCertificates(store) }
    return this.#known.certificates
  }

  /** Who steals it later cannot open what was recorded under it before. */
  async #renewTicketKey(): Promise<void> {
    const { store, vault, now, random } = this.#context
    const current = await loadTicketKey(store)
    if (current !== null && now() - current.since < TICKET_KEY_MS) return
    const key = Buffer.from(random(48)).toString('base64')
    await saveTicketKey(store, { sealed: vault.seal('ticket key', key), since: now() })
  }

  async #dropOldChallenges(): Promise<void> {
    const { store, now } = this.#context
    const old = (await loadChallenges(store)).filter(({ expiresAt }) => expiresAt < now())
    await removeChallenges(
      store,
      old.map(({ token }) => token),
    )
  }

  /** On a developer's machine HTTPS works at once, with a warning; anywhere else a warning would be worse than a refusal. */
  async #selfSign(certificates: Certificate[]): Promise<void> {
    const { store, config, vault, random, now, log } = this.#context
    if (config.domain !== 'localhost' && !config.domain.endsWith('.localhost')) return
    const hosts = platformHosts(config.domain)
    const mine = certificates.filter(({ appId }) => appId === null)
    if (mine.some(({ notAfter }) => notAfter > now() + 30 * DAY_MS)) return
    const made = makeSelfSigned(await makeKey(), hosts, random(16), now(), SELF_SIGNED_DAYS)
    const { pair, facts } = readPair(made, hosts, now())
    const id = makeId('c', random(13))
    const record = { appId: null, tenantId: null, addedAt: now(), addedBy: 'berth' }
    await addCertificate(store, { ...facts, ...record, id, source: 'selfSigned' }, vault.sealPair(id, pair))
    for (const old of mine) if (old.source === 'selfSigned') await removeCertificate(store, old.id)
    log.info('self-signed certificate made for development', { hosts })
  }

  async #wanted(): Promise<Map<string, Wanted>> {
    const { config, wanted } = this.#context
    const platform: Wanted[] =
      config.acme === null || config.acme.dnsHook === null
        ? []
        : [{ host: `*.${config.domain}`, appId: null, tenantId: null }]
    return new Map([...platform, ...(await wanted())].map((one) => [one.host, one]))
  }

  /** Hosts come and go after a certificate came, and apps too: each serves what its owner has now. */
  async #align(certificates: Certificate[], wanted: Map<string, Wanted>): Promise<void> {
    const { store, config, log, hostsOf } = this.#context
    const apps = new Map((await loadApps(store)).map((app) => [app.id, app]))
    for (const certificate of certificates) {
      const { appId, source, names, id } = certificate
      if (source === 'acme') {
        await this.#alignAutomatic(certificate, wanted.get(names[0] ?? '') ?? null)
        continue
      }
      const app = appId === null ? null : apps.get(appId)
      if (app === undefined) {
        await removeCertificate(store, id)
        log.info('certificate removed with its app', { certificate: id })
        continue
      }
      const hosts = servedHosts(names, app === null ? platformHosts(config.domain) : await hostsOf(app))
      if (!sameList(hosts, certificate.hosts)) await changeCertificate(store, { ...certificate, hosts })
    }
  }

  /**
   * One that is not wanted any more is kept until it expires: who makes an app again, or moves a domain, need not ask the
   * authority again. Its key never left the platform, so it may serve whoever the host belongs to now.
   */
  async #alignAutomatic(certificate: Certificate, wanted: Wanted | null): Promise<void> {
    const { store, now } = this.#context
    const hosts = wanted === null ? [] : [wanted.host]
    const { appId, tenantId } = wanted ?? certificate
    if (wanted === null && certificate.notAfter < now()) return void (await removeCertificate(store, certificate.id))
    if (!sameList(hosts, certificate.hosts) || appId !== certificate.appId || tenantId !== certificate.tenantId)
      await changeCertificate(store, { ...certificate, hosts, appId, tenantId })
  }

  async #order(certificates: Certificate[], wanted: Map<string, Wanted>, held: AbortSignal): Promise<void> {
    const { store, config, now } = this.#context
    const standings = await loadStandings(store)
    for (const host of standings.keys()) if (!wanted.has(host)) await removeStanding(store, host)
    if (config.acme === null) return
    const byHost = Map.groupBy(
      certificates.flatMap((certificate) => certificate.hosts.map((host) => ({ host, certificate }))),
      ({ host }) => host,
    )
    for (const one of wanted.values()) {
      if (this.#underWay.size >= AT_A_TIME) return
      if (this.#underWay.has(one.host)) continue
      const there = (byHost.get(one.host) ?? []).map(({ certificate }) => certificate)
      const uploaded = bestOf(
        there.filter(({ source }) => source === 'uploaded'),
        now(),
      )
      const automatic = there.filter(({ source }) => source === 'acme')
      const standing = standings.get(one.host) ?? (await this.#adopt(one.host, automatic))
      if (nextAct(standing, uploaded, now()).act === 'issue') this.#begin(config.acme, one, automatic, standing, held)
    }
  }

  /** A certificate from when the host was wanted before. */
  async #adopt(host: string, automatic: Certificate[]): Promise<Standing | null> {
    const { store, now, random } = this.#context
    const best = bestOf(automatic, now())
    if (best === null) return null
    const standing = { host, nextAt: renewalTime(best, chanceOf(random)), failures: 0, problem: null }
    await saveStanding(store, standing)
    return standing
  }

  #begin(acme: AcmeConfig, wanted: Wanted, before: Certificate[], standing: Standing | null, held: AbortSignal): void {
    const { log } = this.#context
    const { host } = wanted
    const work = this.#issue(acme, wanted, before, standing, held)
      .catch((error: unknown) => {
        if (!held.aborted) log.error('the outcome of an order could not be kept', { host, cause: messageOf(error) })
      })
      .finally(() => {
        this.#underWay.delete(host)
        this.#onDone()
      })
    this.#underWay.set(host, work)
  }

  async #issue(
    acme: AcmeConfig,
    wanted: Wanted,
    before: Certificate[],
    standing: Standing | null,
    held: AbortSignal,
  ): Promise<void> {
    const { store, now, random, log } = this.#context
    const { host } = wanted
    try {
      const certificate = await issue(this.#context, acme, wanted, held)
      await saveStanding(store, {
        host,
        nextAt: renewalTime(certificate, chanceOf(random)),
        failures: 0,
        problem: null,
      })
      for (const { id } of before) await removeCertificate(store, id)
    } catch (error) {
      // Whoever leads now begins again.
      if (held.aborted) return
      const failures = (standing?.failures ?? 0) + 1
      const { text, waitMs } = problemOf(error, acme.directory)
      const nextAt = retryTime(failures, waitMs, now(), chanceOf(random))
      await saveStanding(store, { host, nextAt, failures, problem: { at: now(), text: text.slice(0, PROBLEM_LENGTH) } })
      log.warn('certificate not issued', { host, failures, cause: text, nextAt: new Date(nextAt).toISOString() })
    }
  }
}

const sameList = (a: string[], b: string[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index])
