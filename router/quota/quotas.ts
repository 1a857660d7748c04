/**
 * What tenants, apps and clients may take of this router. Every request asks here, so asking is synchronous and allocates
 * nothing; what is shared with other routers was agreed on before (lease.ts). All times are ms of a clock that does not go
 * back.
 *
 * A client may not use up a tenant's quota alone: the last quarter of what a bucket holds is for clients that take little.
 * Alone, a client that takes much still gets the whole rate.
 */
import type { AppId, TenantId } from '#core/domain/ids.ts'
import { noCaps, type AppQuota, type TrafficQuota } from '#core/domain/quota.ts'
import type { AppRoute } from '#core/domain/route.ts'
import type { TrafficReport, TrafficShare } from '#core/store/traffic.ts'
import { Account } from './account.ts'
import { NO_CLIENT } from './clients.ts'
import type { Count } from './count.ts'
import { HeavyUse } from './heavy.ts'

export type QuotaCode =
  'quota-requests' | 'quota-concurrency' | 'quota-connections' | 'quota-websockets' | 'quota-client' | 'quota-budget'

/** Where the requests to one app are counted. Kept by calls and connections while they last. */
export type Standing = {
  route: AppRoute
  table: number
  tenant: Account
  /** null: the app has no limits of its own. */
  app: Account | null
  usedAt: number
}

export type Kind = 'request' | 'webSocket'

/** How often a share is asked for: where it is short anywhere, and where all is well. */
const SHORT_MS = 100
const CALM_MS = 500
/** An account at rest for so long is left to the others. */
const LEAVE_MS = 2_000
/** After this at rest nothing is remembered of an app. */
const FORGET_MS = 600_000
const FORGET_EVERY_MS = 60_000
/** What is kept for clients that take little, and how much one may take to be such a client. */
const RESERVE_PART = 0.25
const LIGHT_RATE_PART = 0.1

export type QuotaTable = (tenant: TenantId) => TrafficQuota

export class Quotas {
  #quotaOf: QuotaTable = () => {
    throw new Error('no route table yet')
  }
  /** Rises with every table. */
  #table = 0
  /** What is to be added to this router's clock for the ms since 1970. */
  #epoch = 0
  #routers = 1
  #indices = 0
  #standings = new Map<AppId, Standing>()
  #accounts = new Map<string, Account>()
  #active = new Set<Account>()
  #heavy: HeavyUse
  #forgotAt = 0
  /** Called when there is something to share out, or soon more needed, that the other routers do not know of. */
  onHurry: () => void = () => {}

  constructor(seed: number) {
    this.#heavy = new HeavyUse(seed)
  }

  /**
   * Takes on the limits of a route table; what is in use stays.
   * @param wall ms since 1970
   */
  use(quotaOf: QuotaTable, wall: number, now: number): void {
    this.#quotaOf = quotaOf
    this.#epoch = wall - now
    this.#table += 1
  }

  /** How many routers serve now, this one included: the part that it takes of what was not shared out yet. */
  setRouters(count: number): void {
    this.#routers = Math.max(1, count)
  }

  get routers(): number {
    return this.#routers
  }

  of(route: AppRoute, now: number): Standing {
    const known = this.#standings.get(route.appId)
    if (known !== undefined && known.route === route && known.table === this.#table) return known
    return this.#refresh(known, route, now)
  }

  /**
   * Takes one request out of what its tenant and its app may. Whoever is admitted must be released.
   * @param client as Clients gives it
   * @returns null: admitted; else why not
   */
  admit(standing: Standing, client: number, kind: Kind, now: number): QuotaCode | null {
    const { tenant, app } = standing
    standing.usedAt = now
    this.#touch(tenant, now)
    if (app !== null) this.#touch(app, now)
    if (tenant.stoppedUntil > now) return 'quota-budget'

    const count = countOf(tenant, kind)
    const ofApp = app === null ? null : countOf(app, kind)
    if (!hasRoom(count)) return noRoom[kind]
    if (ofApp !== null && !hasRoom(ofApp)) return noRoom[kind]

    const refused = this.#takeToken(tenant, app, client, now)
    if (refused !== null) return refused
    this.#count(tenant, count)
    if (app !== null && ofApp !== null) this.#count(app, ofApp)
    return null
  }

  release({ tenant, app }: Standing, kind: Kind): void {
    countOf(tenant, kind).remove()
    if (app !== null) countOf(app, kind).remove()
  }

  /**
   * Counts a client's connection as those who get its requests now. Its first request attaches it, and each that is
   * another app's moves it; a connection that is closed or becomes a WebSocket is detached.
   * @param before whose it was, null: nobody's
   */
  attach(before: Standing | null, standing: Standing): QuotaCode | null {
    if (before !== null && before.tenant === standing.tenant && before.app === standing.app) return null
    const { tenant, app } = standing
    if (!hasRoom(tenant.connections)) return 'quota-connections'
    if (app !== null && !hasRoom(app.connections)) return 'quota-connections'
    this.#count(tenant, tenant.connections)
    if (app !== null) this.#count(app, app.connections)
    if (before !== null) this.detach(before)
    return null
  }

  detach({ tenant, app }: Standing): void {
    tenant.connections.remove()
    app?.connections.remove()
  }

  /**
   * Counts bytes of a body that have passed.
   * @param bytes 0 asks again after a pause
   * @returns for how many ms no more may be read on this side, 0: go on
   */
  pace({ tenant, app }: Standing, direction: 'in' | 'out', bytes: number, now: number): number {
    const flow = direction === 'in' ? tenant.bytesIn : tenant.bytesOut
    const ofTenant = flow.rate < 0 ? 0 : flow.charge(bytes, now)
    if (app === null) return ofTenant
    return Math.max(ofTenant, (direction === 'in' ? app.bytesIn : app.bytesOut).charge(bytes, now))
  }

  /** After how many whole seconds to try again, at least one (RFC 9110 §10.2.3). */
  retryAfterSeconds({ tenant, app }: Standing, code: QuotaCode, now: number): number {
    let ms = 0
    if (code === 'quota-budget') ms = tenant.stoppedUntil - now
    if (code === 'quota-requests') ms = Math.min(MAX_RETRY_MS, Math.max(msUntilToken(tenant), msUntilToken(app)))
    return Math.max(1, Math.ceil(ms / 1000))
  }

  // ── sharing with the other routers ────────────────────────────────────────────────────────────────────────────────

  /** Whether anything is shared out. */
  get isActive(): boolean {
    return this.#active.size > 0
  }

  /** What to tell the other routers now. Each report must be answered by `take`, or it is made again. */
  reports(now: number): TrafficReport[] {
    if (now - this.#forgotAt > FORGET_EVERY_MS) this.#forget(now)
    const due: TrafficReport[] = []
    for (const account of this.#active) {
      const since = now - account.reportedAt
      if (since < SHORT_MS * 0.9 && !account.hurried) continue
      if (now - account.usedAt > LEAVE_MS && account.isAtRest(now)) due.push(account.report('leave', now))
      else if (since >= CALM_MS || account.hurried || account.othersShort || account.isShort())
        due.push(account.report(account.joined ? 'renew' : 'join', now))
    }
    return due
  }

  /** All that is shared out, given back: the router ends. */
  farewells(now: number): TrafficReport[] {
    return [...this.#active].filter(({ joined }) => joined).map((account) => account.report('leave', now))
  }

  take(report: TrafficReport, share: TrafficShare | null): void {
    const account = this.#accounts.get(report.account)
    if (account === undefined) return
    if (share !== null) return account.take(share)
    account.rest(this.#routers)
    this.#active.delete(account)
  }

  /** The other routers cannot be reached: each goes on with what it has. */
  endure(): void {
    for (const account of this.#active) account.endure(this.#routers)
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #takeToken(tenant: Account, app: Account | null, client: number, now: number): QuotaCode | null {
    const { requests } = tenant
    requests.asked += 1
    requests.fill(now)
    if (app !== null && app.requests.rate >= 0) {
      app.requests.asked += 1
      app.requests.fill(now)
      if (app.requests.tokens < 1) {
        app.requests.short = true
        return 'quota-requests'
      }
    }
    if (requests.tokens < 1) {
      requests.short = true
      return 'quota-requests'
    }
    if (client > NO_CLIENT) {
      const { cap } = requests
      const light = RESERVE_PART * cap
      const cell = this.#heavy.cellOf(client, tenant.index)
      const level = this.#heavy.level(cell, (LIGHT_RATE_PART * requests.rate * requests.share) / 1000, now)
      if (level >= light && requests.tokens - 1 < Math.floor(light)) {
        requests.short = true
        return 'quota-client'
      }
      this.#heavy.add(cell, 2 * light + 1)
    }
    requests.tokens -= 1
    if (app !== null && app.requests.rate >= 0) app.requests.tokens -= 1
    return null
  }

  #count(account: Account, count: Count): void {
    count.add()
    if (account.hurried || !count.isTight) return
    account.hurried = true
    this.onHurry()
  }

  #touch(account: Account, now: number): void {
    account.usedAt = now
    if (account.active) return
    account.begin(this.#routers, now)
    this.#active.add(account)
    this.onHurry()
  }

  #refresh(known: Standing | undefined, route: AppRoute, now: number): Standing {
    const quota = this.#quotaOf(route.tenantId)
    const tenant = this.#account(`tenant:${route.tenantId}`)
    tenant.setLimits(quota, quota.stopped === null ? 0 : quota.stopped - this.#epoch, this.#routers, now)
    // An account that calls count on stays, even if its limits are gone.
    let app = known?.app ?? null
    if (app === null && route.settings.quota !== null) app = this.#account(`app:${route.appId}`)
    app?.setLimits(route.settings.quota ?? noQuota, 0, this.#routers, now)
    if (known !== undefined && known.tenant === tenant && known.app === app) {
      known.route = route
      known.table = this.#table
      return known
    }
    const standing = { route, table: this.#table, tenant, app, usedAt: now }
    this.#standings.set(route.appId, standing)
    return standing
  }

  #account(key: Account['key']): Account {
    const known = this.#accounts.get(key)
    if (known) return known
    this.#indices += 1
    const account = new Account(key, this.#indices)
    this.#accounts.set(key, account)
    return account
  }

  /** Apps that were not asked for in a long time, and accounts that no app is left of. */
  #forget(now: number): void {
    this.#forgotAt = now
    const kept = new Set<Account>()
    for (const [id, { tenant, app, usedAt }] of this.#standings) {
      const atRest = now - usedAt > FORGET_MS && !tenant.active && !(app?.active ?? false)
      if (atRest) this.#standings.delete(id)
      else for (const account of [tenant, app]) if (account) kept.add(account)
    }
    for (const [key, account] of this.#accounts) if (!kept.has(account) && !account.active) this.#accounts.delete(key)
  }
}

/** Even a rate of nothing may be raised by then. */
const MAX_RETRY_MS = 3600_000

const noQuota: AppQuota = { ...noCaps, requests: null }

const msUntilToken = (account: Account | null): number =>
  account === null || account.requests.rate < 0 ? 0 : account.requests.msUntil(1)

const noRoom: Record<Kind, QuotaCode> = { request: 'quota-concurrency', webSocket: 'quota-websockets' }

const countOf = (account: Account, kind: Kind): Count =>
  kind === 'webSocket' ? account.webSockets : account.concurrent

function hasRoom(count: Count): boolean {
  if (count.hasRoom()) return true
  count.refused += 1
  return false
}
