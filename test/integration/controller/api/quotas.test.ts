import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { InstanceView } from '#core/contract/api.ts'
import type { AppEvent } from '#core/domain/event.ts'
import type { App } from '#core/domain/app.ts'
import type { AppName, DeployId, InstanceId, TenantId } from '#core/domain/ids.ts'
import { defaultPlan } from '#core/domain/quota.ts'
import { noUsage } from '#core/domain/usage.ts'
import { findApp } from '#core/store/apps.ts'
import { assignInstance, reportInstance, reportStats } from '#core/store/instances.ts'
import { keys } from '#core/store/keys.ts'
import { createRelease } from '#core/store/releases.ts'
import { loadTenant } from '#core/store/tenants.ts'
import { createApi } from '../../../../controller/api/server.ts'
import { lookAtBudgets, type BudgetContext } from '../../../../controller/metering/budgets.ts'
import { createTurns } from '../../../../controller/turns.ts'
import { startApi, type TestApi } from '../../../helpers/api.ts'
import { aDesired, aReport, aSlug } from '../../../helpers/cluster.ts'

describe('plans and tenants, through the API', function () {
  this.timeout(30_000)
  let api: TestApi
  let operator: string
  let made = 0

  before(async () => {
    api = await startApi()
    operator = api.operator
  })
  after(() => api.stop())

  /** A tenant of its own for each test, with a member's token. */
  async function aMember(): Promise<{ id: TenantId; token: string }> {
    const id = `acme-${++made}` as TenantId
    return { id, token: await api.member(id) }
  }

  async function givePlan(tenant: TenantId, limits: object): Promise<string> {
    const name = `plan-of-${tenant}`
    const answer = await api.call(operator, 'POST', '/v1/plans', { name, ...limits })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    const given = await api.call(operator, 'PATCH', `/v1/tenants/${tenant}`, { plan: name })
    assert.deepEqual([given.status, given.body.plan], [200, name])
    return name
  }

  async function newApp(token: string, name: string): Promise<App> {
    const { status, body } = await api.call(token, 'POST', '/v1/apps', { name })
    assert.equal(status, 201, JSON.stringify(body))
    const app = await findApp(api.context.store, name as AppName)
    assert.ok(app)
    return app
  }

  const scale = (token: string, app: string, patch: object) =>
    api.call(token, 'PATCH', `/v1/apps/${app}/formation`, patch)
  const eventsOf = async (app: App): Promise<AppEvent[]> =>
    (await api.context.store.lrange(keys.events(app.id), 0, -1)).map((text) => JSON.parse(text) as AppEvent)
  const kindsOf = async (app: App) => (await eventsOf(app)).map(({ kind }) => kind)

  describe('plans', () => {
    it('are made with what is named, and as the built-in one otherwise', async () => {
      const { body } = await api.call(operator, 'POST', '/v1/plans', {
        name: 'small',
        memoryMb: 2048,
        budget: { egressBytes: 1e9 },
        ceilings: { networkMbit: 50 },
      })
      assert.deepEqual(body, {
        ...defaultPlan,
        name: 'small',
        memoryMb: 2048,
        instanceMemoryMb: 2048,
        budget: { cpuSeconds: null, egressBytes: 1e9, requests: null },
        ceilings: { ...defaultPlan.ceilings, networkMbit: 50 },
      })
      const changed = await api.call(operator, 'PATCH', '/v1/plans/small', { budget: { cpuSeconds: 5 }, cpuMilli: 500 })
      assert.deepEqual(changed.body, {
        ...body,
        cpuMilli: 500,
        budget: { cpuSeconds: 5, egressBytes: 1e9, requests: null },
      })
      assert.deepEqual((await api.call(operator, 'GET', '/v1/plans/small')).body, changed.body)
      const { plans } = (await api.call(operator, 'GET', '/v1/plans')).body as { plans: { name: string }[] }
      const names = plans.map(({ name }) => name)
      assert.ok(names.includes('default') && names.includes('small'))
    })

    it('refuse nonsense, naming it', async () => {
      const wrong: [object, RegExp][] = [
        [{ name: 'Small' }, /name: must be a plan's name/],
        [{ name: 'x', memory: 5 }, /memory/],
        [{ name: 'x', memoryMb: 1.5 }, /memoryMb/],
        [{ name: 'x', memoryMb: 256, instanceMemoryMb: 512 }, /one instance cannot be given 512 MB/],
        [{ name: 'x', budget: { cpuSeconds: -1 } }, /budget\.cpuSeconds/],
      ]
      for (const [body, sentence] of wrong) {
        const answer = await api.call(operator, 'POST', '/v1/plans', body)
        assert.equal(answer.status, 400, JSON.stringify(body))
        assert.match(String(answer.body.detail), sentence)
      }
    })

    it('are there once, and not destroyed while a tenant has them, who is named', async () => {
      const { id } = await aMember()
      const name = await givePlan(id, {})
      assert.equal((await api.call(operator, 'POST', '/v1/plans', { name })).body.code, 'PLAN_TAKEN')
      const refused = await api.call(operator, 'DELETE', `/v1/plans/${name}`)
      assert.deepEqual([refused.status, refused.body.code], [409, 'PLAN_IN_USE'])
      assert.match(String(refused.body.detail), new RegExp(`used by ${id}\\.`))
      await api.call(operator, 'PATCH', `/v1/tenants/${id}`, { plan: 'default' })
      assert.equal((await api.call(operator, 'DELETE', `/v1/plans/${name}`)).status, 204)
      assert.equal((await api.call(operator, 'GET', `/v1/plans/${name}`)).status, 404)
      assert.equal((await api.call(operator, 'PATCH', `/v1/tenants/${id}`, { plan: name })).status, 404)
      assert.equal((await api.call(operator, 'DELETE', '/v1/plans/default')).body.code, 'PLAN_BUILT_IN')
    })

    it('under the name of the built-in one take its place', async () => {
      const changed = await api.call(operator, 'PATCH', '/v1/plans/default', { apps: 150 })
      assert.deepEqual(changed.body, { ...defaultPlan, apps: 150 })
      const { id, token } = await aMember()
      assert.equal((await api.call(token, 'GET', `/v1/tenants/${id}`)).body.limits.apps, 150)
    })
  })

  describe('admission', () => {
    it('refuses what the plan has no room for, with the short dimension, and stores nothing', async () => {
      const { id, token } = await aMember()
      await givePlan(id, { memoryMb: 2048, apps: 1, instanceMemoryMb: 1024 })
      const app = await newApp(token, `shop-${made}`)
      assert.equal((await scale(token, app.name, { web: { count: 3, memoryMb: 640 } })).status, 200)
      const refused = await scale(token, app.name, { worker: { count: 1, memoryMb: 256 } })
      assert.deepEqual([refused.status, refused.body.code], [422, 'QUOTA_EXCEEDED'])
      assert.match(
        String(refused.body.detail),
        new RegExp(`^Scaling ${app.name} needs 256 MB, 128 MB left of plan plan-of-${id}'s 2 GB memory\\.`),
      )
      const { dimension, needed, left, limit } = refused.body
      assert.deepEqual({ dimension, needed, left, limit }, { dimension: 'memory', needed: 256, left: 128, limit: 2048 })
      assert.deepEqual(Object.keys((await findApp(api.context.store, app.name))?.formation ?? {}), ['web'])
      assert.match(String((await scale(token, app.name, { web: { memoryMb: 1025 } })).body.detail), /for one instance/)
      const second = await api.call(token, 'POST', '/v1/apps', { name: `second-${made}` })
      assert.match(String(second.body.detail), /^Another app needs 1 app, 0 apps left/)
      assert.equal(await findApp(api.context.store, `second-${made}` as AppName), null)
      const { promised } = (await api.call(token, 'GET', `/v1/tenants/${id}`)).body
      assert.deepEqual(promised, { apps: 1, instances: 3, memoryMb: 1920, diskMb: 3072 })
      assert.deepEqual(await kindsOf(app), ['scaled'])
    })

    it('gives instances that nobody sized what the plan allows', async () => {
      const { id, token } = await aMember()
      await givePlan(id, { memoryMb: 1024, instanceMemoryMb: 128, cpuMilli: 250 })
      const app = await newApp(token, `tiny-${made}`)
      const { body } = await scale(token, app.name, { web: { count: 2 } })
      assert.deepEqual(body.formation.web, {
        count: 2,
        size: { memoryMb: 128, cpuMilli: 250, pids: 256, diskMb: 1024 },
      })
    })

    it('takes of many changes at once, through two controllers, exactly as many as fit', async () => {
      const { id, token } = await aMember()
      await givePlan(id, { instances: 5, apps: 12 })
      const names = Array.from({ length: 10 }, (_, n) => `many-${made}-${n}`)
      for (const name of names) await newApp(token, name)
      const other = await anotherController(api)
      try {
        const answers = await Promise.all(
          names.map((name, n) =>
            fetch(`${n % 2 === 0 ? api.url : other.url}/v1/apps/${name}/formation`, {
              method: 'PATCH',
              headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
              body: JSON.stringify({ web: { count: 1 } }),
            }),
          ),
        )
        assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 422, 422, 422, 422, 422])
        const made2 = await Promise.all(
          Array.from({ length: 6 }, (_, n) =>
            fetch(`${n % 2 === 0 ? api.url : other.url}/v1/apps`, {
              method: 'POST',
              headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
              body: JSON.stringify({ name: `more-${made}-${n}` }),
            }),
          ),
        )
        assert.deepEqual(made2.map(({ status }) => status).sort(), [201, 201, 422, 422, 422, 422])
      } finally {
        await other.stop()
      }
      assert.equal((await api.call(token, 'GET', `/v1/tenants/${id}`)).body.promised.instances, 5)
    })
  })

  describe('a change of size', () => {
    it('below what a running instance uses is refused with the figure, before anything is stored', async () => {
      const { id, token } = await aMember()
      const { store } = api.context
      const app = await newApp(token, `resized-${made}`)
      await scale(token, app.name, { web: { count: 2 } })
      const desired = aDesired({ id: `i-resized-${made}` as InstanceId, appId: app.id, tenantId: id, number: 2 })
      await assignInstance(store, desired)
      await reportInstance(store, desired.hostId, desired.id, aReport())
      await reportStats(
        store,
        desired.hostId,
        new Map([[desired.id, { at: 0, cpuMilli: 1, memoryBytes: 310 * 1024 * 1024 }]]),
      )
      const refused = await scale(token, app.name, { web: { memoryMb: 256 } })
      assert.deepEqual([refused.status, refused.body.code], [409, 'BELOW_USE'])
      assert.equal(refused.body.detail, 'web.2 uses 310 MB; --memory 256M would kill it. Choose at least 350M.')
      assert.equal((await findApp(store, app.name))?.formation['web' as never]?.['size']['memoryMb'], 512)
      assert.equal((await scale(token, app.name, { web: { memoryMb: 350, cpuMilli: 500 } })).status, 200)
      const [event] = await eventsOf(app)
      assert.deepEqual(
        [event?.kind, event?.text, event?.actor],
        ['resized', 'web from 512 MB and 1 CPU to 350 MB and 0.5 CPU', `member of ${id}`],
      )
    })

    it('that an instance has or has not got yet is shown', async () => {
      const { token, id } = await aMember()
      const { store } = api.context
      const app = await newApp(token, `shown-${made}`)
      const desired = aDesired({ id: `i-shown-${made}` as InstanceId, appId: app.id, tenantId: id, epoch: 2 })
      await assignInstance(store, desired)
      const applied = { memoryMb: 256, cpuMilli: 500, paused: false }
      await reportInstance(store, desired.hostId, desired.id, aReport({ epoch: 1, applied }))
      const shown = async () =>
        (await api.call(token, 'GET', `/v1/apps/${app.name}/instances`)).body.instances[0] as InstanceView
      const before = await shown()
      assert.deepEqual([before.memoryMb, before.upToDate, before.applied], [512, false, applied])
      await reportInstance(store, desired.hostId, desired.id, aReport({ epoch: 2 }))
      const after = await shown()
      assert.deepEqual([after.upToDate, after.applied], [true, { memoryMb: 512, cpuMilli: 1000, paused: false }])
    })
  })

  describe('a pause', () => {
    it('is kept, shown and told, and refuses what would start something until it is taken back', async () => {
      const { token } = await aMember()
      const app = await newApp(token, `paused-${made}`)
      const path = `/v1/apps/${app.name}`
      assert.equal((await api.call(token, 'POST', `${path}/pause`)).body.code, 'NO_RELEASE')
      const release = { appId: app.id, slug: aSlug({ web: 'node web.js' }), config: {}, commit: null, createdAt: 1 }
      const first = { ...release, description: '', actor: '', deployId: 'd-one' as DeployId }
      assert.equal(await createRelease(api.context.store, first, null), 1)
      const woken = api.wakes
      assert.equal((await api.call(token, 'POST', `${path}/pause`)).status, 202)
      assert.equal((await api.call(token, 'POST', `${path}/pause`)).status, 202)
      assert.equal(api.wakes, woken + 1)
      assert.match(String((await api.call(token, 'GET', path)).body.paused.by), /member of acme/)
      for (const [method, what, body] of [
        ['PATCH', 'formation', { web: { count: 1 } }],
        ['PATCH', 'config', { A: '1' }],
        ['POST', 'restart', {}],
        ['POST', 'rollback', {}],
      ] as const) {
        const refused = await api.call(token, method, `${path}/${what}`, body)
        assert.deepEqual([refused.status, refused.body.code], [409, 'APP_PAUSED'], what)
        assert.match(String(refused.body.detail), new RegExp(`is paused, so .*berth ps:resume -a ${app.name}$`))
      }
      assert.equal((await api.call(token, 'POST', `${path}/resume`)).status, 202)
      assert.equal((await api.call(token, 'GET', path)).body.paused, null)
      assert.equal((await api.call(token, 'POST', `${path}/restart`)).status, 202)
      assert.deepEqual(await kindsOf(app), ['resumed', 'paused'])
    })
  })

  describe('a suspended tenant', () => {
    it('may look at all that is its own and change nothing, and is told why; nothing is lost', async () => {
      const { id, token } = await aMember()
      const app = await newApp(token, `held-${made}`)
      assert.equal((await api.call(operator, 'POST', `/v1/tenants/${id}/suspend`, {})).status, 400)
      const reason = 'sends spam'
      const { body } = await api.call(operator, 'POST', `/v1/tenants/${id}/suspend`, { reason })
      assert.deepEqual([body.suspended.reason, body.suspended.by], [reason, 'operator'])
      const path = `/v1/apps/${app.name}`
      for (const [method, where, what] of [
        ['POST', '/v1/apps', { name: 'other' }],
        ['PATCH', `${path}/formation`, { web: { count: 1 } }],
        ['PATCH', `${path}/config`, { A: '1' }],
        ['POST', `${path}/restart`, {}],
        ['POST', '/v1/tokens', { description: 'more' }],
        ['DELETE', `${path}?confirm=${app.name}`, undefined],
      ] as const) {
        const refused = await api.call(token, method, where, what)
        assert.deepEqual([refused.status, refused.body.code], [403, 'TENANT_SUSPENDED'], where)
        assert.match(String(refused.body.detail), /suspended \(sends spam\)/)
      }
      for (const where of [
        path,
        `${path}/config`,
        `${path}/logs`,
        `${path}/instances`,
        `/v1/tenants/${id}`,
        '/v1/tokens',
      ])
        assert.equal((await api.call(token, 'GET', where)).status, 200, where)
      assert.equal((await api.call(token, 'GET', path)).body.suspended, reason)
      // What an operator asks could not take effect either.
      assert.equal((await api.call(operator, 'POST', `${path}/restart`)).body.code, 'TENANT_SUSPENDED')
      const resumed = await api.call(operator, 'POST', `/v1/tenants/${id}/resume`)
      assert.equal(resumed.body.suspended, null)
      assert.equal((await scale(token, app.name, { web: { count: 1 } })).status, 200)
      assert.deepEqual(await kindsOf(app), ['scaled', 'resumed', 'suspended'])
    })
  })

  describe("a tenant's cores and networks", () => {
    it('are checked, and reserved for one tenant only', async () => {
      const [one, two] = [(await aMember()).id, (await aMember()).id]
      const patch = (id: TenantId, body: object) => api.call(operator, 'PATCH', `/v1/tenants/${id}`, body)
      assert.equal((await patch(one, { cpus: '2-3' })).body.cpus, '2-3')
      const taken = await patch(two, { cpus: '3-4' })
      assert.deepEqual([taken.status, taken.body.code], [409, 'CORES_TAKEN'])
      assert.match(String(taken.body.detail), new RegExp(`The cores 3 are reserved for ${one}`))
      assert.equal((await patch(one, { cpus: null })).body.cpus, null)
      assert.equal((await patch(two, { cpus: '3-4' })).status, 200)
      const egress = { allow: ['10.1.0.0/16', '10.2.3.4'], deny: ['1.2.3.0/24'] }
      assert.deepEqual((await patch(one, { egress })).body.egress, { ...egress, allow: ['10.1.0.0/16', '10.2.3.4/32'] })
      assert.deepEqual((await patch(one, { egress: { deny: [] } })).body.egress.allow, ['10.1.0.0/16', '10.2.3.4/32'])
      for (const wrong of [
        { cpus: '3-2' },
        { cpus: 'all; rm' },
        { egress: { allow: ['10.1.0.1/16'] } },
        { egress: { deny: ['::/0'] } },
      ])
        assert.equal((await patch(one, wrong)).status, 400, JSON.stringify(wrong))
    })

    it('and each other setting keep the others, when two operators change different ones at once', async () => {
      const { id } = await aMember()
      await Promise.all([
        api.call(operator, 'PATCH', `/v1/tenants/${id}`, { requestRate: { perSecond: 3, burst: 4 } }),
        api.call(operator, 'PATCH', `/v1/tenants/${id}`, { egress: { deny: ['1.2.3.0/24'] } }),
        api.call(operator, 'POST', `/v1/tenants/${id}/suspend`, { reason: 'why' }),
      ])
      const tenant = await loadTenant(api.context.store, id)
      assert.deepEqual(
        [tenant?.requestRate, tenant?.egress.deny, tenant?.suspended?.reason],
        [{ perSecond: 3, burst: 4 }, ['1.2.3.0/24'], 'why'],
      )
      const back = await api.call(operator, 'PATCH', `/v1/tenants/${id}`, { requestRate: null })
      assert.deepEqual(back.body.requestRate, defaultPlan.requestRate)
    })
  })

  describe('budgets', () => {
    it('alert once at each mark, stop everything at 100 %, and let it run again when the plan is raised', async () => {
      const { id, token } = await aMember()
      const name = await givePlan(id, { budget: { cpuSeconds: 3600 } })
      const app = await newApp(token, `metered-${made}`)
      const { store, log, now } = api.context
      let used = 0
      let woken = 0
      const asked: [number, number][] = []
      const context: BudgetContext = {
        store,
        log,
        now,
        wake: () => void woken++,
        usageOf(tenant, from, to) {
          if (tenant === id) asked.push([from, to])
          return Promise.resolve({ ...noUsage, cpuSeconds: tenant === id ? used : 0 })
        },
      }
      const look = async (seconds: number) => {
        used = seconds
        await lookAtBudgets(context)
        await lookAtBudgets(context)
      }
      await look(100)
      assert.deepEqual([await kindsOf(app), woken], [[], 0])
      await look(2800)
      assert.deepEqual([await kindsOf(app), woken], [['budget'], 1])
      const { budget, suspended } = (await api.call(token, 'GET', `/v1/tenants/${id}`)).body
      assert.deepEqual([budget.alert.mark, budget.alert.of, suspended], [75, 'cpuSeconds', null])
      await look(3600)
      assert.deepEqual(await kindsOf(app), ['suspended', 'budget'])
      const refused = await scale(token, app.name, { web: { count: 1 } })
      assert.match(String(refused.body.detail), /suspended \(budget: 100 % of 1 CPU hours in \d{4}-\d\d is used\)/)
      const resumed = await api.call(operator, 'POST', `/v1/tenants/${id}/resume`)
      assert.match(String(resumed.body.suspended.reason), /^budget: /)
      await api.call(operator, 'PATCH', `/v1/plans/${name}`, { budget: { cpuSeconds: 36_000 } })
      await look(3600)
      assert.deepEqual(await kindsOf(app), ['resumed', 'suspended', 'budget'])
      assert.equal((await scale(token, app.name, { web: { count: 1 } })).status, 200)
      const [from = 0, to = 0] = asked[0] ?? []
      assert.deepEqual([new Date(from).getUTCDate(), new Date(from).getUTCHours(), to > from], [1, 0, true])
    })

    it('of requests stop only them, whatever the other budgets say', async () => {
      const { id, token } = await aMember()
      await givePlan(id, { budget: { cpuSeconds: 3600, requests: 1000 } })
      const app = await newApp(token, `visited-${made}`)
      const { store, log, now } = api.context
      const look = async (requests: number, cpuSeconds = 0) => {
        const usageOf = (tenant: TenantId) =>
          Promise.resolve(tenant === id ? { ...noUsage, requests, cpuSeconds } : noUsage)
        await lookAtBudgets({ store, log, now, wake: () => {}, usageOf })
      }
      await look(760)
      assert.match((await eventsOf(app))[0]?.text ?? '', /^75 % of 1000 requests in .*requests to it are refused/)
      await look(1001)
      assert.deepEqual(await kindsOf(app), ['budget', 'budget'])
      const { body } = await api.call(token, 'GET', `/v1/tenants/${id}`)
      assert.deepEqual([body.suspended, body.budget.requestAlert.mark], [null, 100])
      const { budget: ofMonth, requestBudget } = (await loadTenant(store, id)) ?? {}
      assert.deepEqual([ofMonth, requestBudget?.mark], [null, 100])
      await look(1001, 3600)
      assert.deepEqual(await kindsOf(app), ['suspended', 'budget', 'budget'])
      await api.call(operator, 'PATCH', `/v1/plans/plan-of-${id}`, { budget: { cpuSeconds: null, requests: 5000 } })
      await look(1001, 3600)
      assert.deepEqual((await kindsOf(app)).slice(0, 2).sort(), ['budget', 'resumed'])
      assert.equal((await loadTenant(store, id))?.requestBudget, null)
    })
  })

  describe('traffic', () => {
    it('is limited by the plan, by the tenant’s own figures before that, and an app’s share by its owner', async () => {
      const { id, token } = await aMember()
      const name = await givePlan(id, { traffic: { concurrent: 50, outBytesPerSecond: 1_250_000 } })
      const plan = (await api.call(operator, 'GET', `/v1/plans/${name}`)).body
      assert.deepEqual(plan.traffic, { ...defaultPlan.traffic, concurrent: 50, outBytesPerSecond: 1_250_000 })
      await api.call(operator, 'PATCH', `/v1/tenants/${id}`, { traffic: { webSockets: 7 } })
      const own = await api.call(operator, 'PATCH', `/v1/tenants/${id}`, { traffic: { concurrent: null } })
      assert.deepEqual(own.body.traffic, { ...plan.traffic, concurrent: null, webSockets: 7 })
      const back = await api.call(operator, 'PATCH', `/v1/tenants/${id}`, { traffic: null })
      assert.deepEqual(back.body.traffic, plan.traffic)

      const app = await newApp(token, `popular-${made}`)
      const path = `/v1/apps/${app.name}/quota`
      const limited = await api.call(token, 'PATCH', path, { requests: { perSecond: 5, burst: 10 } })
      assert.deepEqual([limited.status, limited.body.quota.requests], [200, { perSecond: 5, burst: 10 }])
      assert.deepEqual(limited.body.ofTenant.concurrent, 50)
      const more = await api.call(token, 'PATCH', path, { concurrent: 3 })
      assert.deepEqual([more.body.quota.requests.perSecond, more.body.quota.concurrent], [5, 3])
      assert.deepEqual((await findApp(api.context.store, app.name))?.quota, more.body.quota)
      assert.deepEqual(await kindsOf(app), ['quotaChanged', 'quotaChanged'])
      const other = await aMember()
      assert.equal((await api.call(other.token, 'PATCH', path, { concurrent: null })).status, 404)
      assert.equal((await api.call(token, 'PATCH', path, { concurrent: -1 })).status, 400)
      assert.equal((await api.call(token, 'DELETE', path)).status, 204)
      assert.equal((await findApp(api.context.store, app.name))?.quota, null)
    })
  })
})

/** As a second controller on the same store: nothing in memory is shared. */
async function anotherController(api: TestApi): Promise<{ url: string; stop(): Promise<void> }> {
  const server: Server = createServer(createApi({ ...api.context, turns: createTurns() }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections()
      return new Promise((resolve) => void server.close(() => resolve()))
    },
  }
}
