/** Routers that come and go while a tenant takes at most half of what it may: through a real Redis, in a time of the test's own. */
import assert from 'node:assert/strict'
import type { AppId, AppName, TenantId } from '#core/domain/ids.ts'
import { noCaps, type TrafficQuota } from '#core/domain/quota.ts'
import { defaultRouteSettings, type AppRoute } from '#core/domain/route.ts'
import { connectStore, type Store } from '#core/store/connection.ts'
import { shareTraffic } from '#core/store/traffic.ts'
import { startRedis, type TestRedis } from '#test/helpers/redis.ts'
import { NO_CLIENT } from '../../../router/quota/clients.ts'
import { Quotas, type Kind, type Standing } from '../../../router/quota/quotas.ts'

const shop: AppRoute = {
  appId: 'a-shop' as AppId,
  name: 'shop' as AppName,
  tenantId: 't-one' as TenantId,
  addresses: [],
  settings: defaultRouteSettings,
  health: 'serving',
  endpoints: [],
}

const limits = {
  requests: { perSecond: 1000, burst: 2000 },
  concurrent: 400,
  connections: 800,
  webSockets: 400,
} satisfies Partial<TrafficQuota>

/** What a tenant takes, as a part of its limits. */
type Demand = { part: number; sockets?: number }

const STEP_MS = 5
const TICK_MS = 100
/** How often a router looks how many there are. */
const LOOK_MS = 2_000
/** How long each request takes. */
const HOLD_MS = 400
const PATIENCE_MS = 3_000

type Held = { standing: Standing; kind: Kind; until: number }
type Member = { id: string; quotas: Quotas; bornAt: number; hurried: boolean; held: Held[] }

class Fleet {
  now = 0
  members: Member[] = []
  refused: Record<string, number> = {}
  admitted = 0
  #store: Store
  #demand: Required<Demand>
  #owed = 0
  #turn = 0
  #ids = 0

  constructor(store: Store, { part, sockets = part }: Demand) {
    this.#store = store
    this.#demand = { part, sockets }
  }

  /** @param known what it thinks how many there are */
  join(known = this.members.length + 1): Member {
    const quotas = new Quotas(this.#ids)
    quotas.use(() => ({ ...noCaps, ...limits, stopped: null }), this.now, this.now)
    quotas.setRouters(known)
    const member: Member = { id: `r-${(this.#ids += 1)}`, quotas, bornAt: this.now, hurried: false, held: [] }
    quotas.onHurry = () => (member.hurried = true)
    this.members.push(member)
    return member
  }

  /** As `kill -9` does: it says nothing, and its clients come back elsewhere. */
  kill(member: Member): void {
    this.members = this.members.filter((each) => each !== member)
  }

  async leave(member: Member): Promise<void> {
    this.kill(member)
    await shareTraffic(this.#store, member.id, 1, member.quotas.farewells(this.now), this.now)
  }

  async run(ms: number): Promise<void> {
    for (const end = this.now + ms; this.now < end; this.now += STEP_MS) {
      for (const member of this.members) this.#finish(member)
      this.#ask()
      for (const member of this.members) {
        const age = this.now - member.bornAt
        if (age > 0 && age % LOOK_MS === 0) member.quotas.setRouters(this.members.length)
        if (member.hurried || age % TICK_MS === 0) await this.#sync(member)
      }
      this.#assertWithin()
    }
  }

  #finish(member: Member): void {
    const ended = member.held.filter(({ until }) => until <= this.now)
    if (ended.length === 0) return
    member.held = member.held.filter(({ until }) => until > this.now)
    for (const { standing, kind } of ended) {
      member.quotas.release(standing, kind)
      if (kind === 'request') member.quotas.detach(standing)
    }
  }

  #ask(): void {
    const { part, sockets } = this.#demand
    this.#owed += (limits.requests.perSecond * part * STEP_MS) / 1000
    const open = this.members.reduce((sum, { held }) => sum + held.filter(({ kind }) => kind === 'webSocket').length, 0)
    // Crowds that come back wait a random while first, so these take no more than what the demand is.
    const lacking = Math.min(limits.webSockets * sockets - open, Math.max(0, Math.floor(this.#owed)))
    for (let i = 0; i < lacking; i += 1) this.#askOne('webSocket', Infinity)
    this.#owed -= lacking
    for (; this.#owed >= 1; this.#owed -= 1) this.#askOne('request', this.now + HOLD_MS)
  }

  #askOne(kind: Kind, until: number): void {
    const member = this.members[(this.#turn += 1) % this.members.length]
    assert.ok(member)
    const { quotas, held } = member
    const standing = quotas.of(shop, this.now)
    const refused =
      (kind === 'request' ? quotas.attach(null, standing) : null) ?? quotas.admit(standing, NO_CLIENT, kind, this.now)
    if (refused !== null) {
      const what = `${refused} of ${member.id} after ${Math.floor((this.now - member.bornAt) / 100) * 100} ms`
      this.refused[what] = (this.refused[what] ?? 0) + 1
      return
    }
    this.admitted += 1
    held.push({ standing, kind, until })
  }

  async #sync(member: Member): Promise<void> {
    member.hurried = false
    const reports = member.quotas.reports(this.now)
    const shares = await shareTraffic(this.#store, member.id, member.quotas.routers, reports, this.now)
    reports.forEach((report, index) => member.quotas.take(report, shares[index] ?? null))
  }

  #assertWithin(): void {
    const accounts = this.members
      .map(({ quotas }) => quotas.of(shop, this.now).tenant)
      .filter(({ active, joined }) => active && joined)
    const sum = (of: (account: Standing['tenant']) => number) =>
      accounts.reduce((whole, account) => whole + of(account), 0)
    assert.ok(sum(({ requests }) => requests.share) <= 1 + 1e-9)
    assert.ok(sum(({ concurrent }) => concurrent.allowance) <= limits.concurrent)
    assert.ok(sum(({ connections }) => connections.allowance) <= limits.connections)
    assert.ok(sum(({ webSockets }) => webSockets.allowance) <= limits.webSockets)
  }
}

describe('a router that joins refuses nobody what the tenant may have', function () {
  this.timeout(60_000)
  let redis: TestRedis
  let store: Store
  before(async () => {
    redis = await startRedis()
    store = connectStore(redis.url)
  })
  beforeEach(() => store.flushall())
  after(async () => {
    store.disconnect()
    await redis.stop()
  })

  const fleetOf = async (count: number, demand: Demand): Promise<Fleet> => {
    const fleet = new Fleet(store, demand)
    for (let i = 0; i < count; i += 1) fleet.join()
    await fleet.run(PATIENCE_MS)
    assert.deepEqual(fleet.refused, {}, 'while nobody had joined')
    return fleet
  }

  for (const known of [1, undefined])
    for (const count of [1, 2, 3])
      it(`Q03: when ${count} are there${known === 1 ? ' that it does not know of' : ''}`, async () => {
        const fleet = await fleetOf(count, { part: 0.5 })
        fleet.join(known)
        await fleet.run(PATIENCE_MS)
        assert.deepEqual(fleet.refused, {})
      })

  it('Q03: with three others in the same 100 ms', async () => {
    // Those who are there learn of it half a second later only, and hold a quarter more than they need until then.
    const fleet = await fleetOf(2, { part: 0.45 })
    for (let i = 0; i < 4; i += 1) {
      fleet.join()
      await fleet.run(25)
    }
    await fleet.run(PATIENCE_MS)
    assert.deepEqual(fleet.refused, {})
  })

  it('Q03: when all are replaced one by one, again and again', async () => {
    const fleet = await fleetOf(2, { part: 0.5 })
    for (let i = 0; i < 8; i += 1) {
      fleet.join()
      await fleet.run(300)
      const [oldest] = fleet.members
      assert.ok(oldest)
      await fleet.leave(oldest)
      await fleet.run(50)
    }
    await fleet.run(PATIENCE_MS)
    assert.deepEqual(fleet.refused, {})
  })

  it('Q03: in the place of one of two that was killed, whose lease lasts', async () => {
    const fleet = await fleetOf(2, { part: 0.5 })
    const [first] = fleet.members
    assert.ok(first)
    fleet.kill(first)
    await fleet.run(200)
    fleet.join()
    await fleet.run(2 * PATIENCE_MS)
    assert.deepEqual(fleet.refused, {})
  })

  for (const count of [1, 2])
    it(`Q03: when all ${count} before were killed, and what they took is counted until their leases end`, async () => {
      const fleet = await fleetOf(count, { part: 0.25 })
      for (const member of fleet.members) fleet.kill(member)
      for (let i = 0; i < count; i += 1) fleet.join()
      await fleet.run(2 * PATIENCE_MS)
      assert.deepEqual(fleet.refused, {})
    })

  it('Q03: when those before it died young, one after the other', async () => {
    const fleet = await fleetOf(1, { part: 0.1 })
    for (let i = 0; i < 4; i += 1) {
      const young = fleet.join()
      await fleet.run(500)
      fleet.kill(young)
    }
    await fleet.run(PATIENCE_MS)
    assert.deepEqual(fleet.refused, {})
  })
})
