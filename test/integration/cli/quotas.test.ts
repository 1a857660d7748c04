import assert from 'node:assert/strict'
import type { InstanceView, TenantDetail } from '#core/contract/api.ts'
import { defaultCaps, defaultPlan } from '#core/domain/quota.ts'
import { aPerson, ok, problem, startFakeApi, type FakeApi, type Person } from './harness.ts'

const anInstance = (fields: Partial<InstanceView>) =>
  ({
    id: 'i-1',
    name: 'web.1',
    process: 'web',
    state: 'running',
    intent: 'run',
    detail: null,
    memoryMb: 512,
    cpuMilli: 1000,
    applied: { memoryMb: 512, cpuMilli: 1000, paused: false },
    upToDate: true,
    host: 'host-1',
    release: 1,
    since: '2026-01-01T00:00:00.000Z',
    restarts: 0,
    cpuMilliUsed: null,
    memoryBytesUsed: null,
    diskMb: 1024,
    diskBytesUsed: null,
    ...fields,
  }) as InstanceView

const acme: TenantDetail = {
  id: 'acme',
  createdAt: '2026-01-01T00:00:00.000Z',
  plan: 'small',
  requestRate: { perSecond: 200, burst: 400 },
  traffic: defaultCaps,
  cpus: '2-3',
  egress: { allow: ['10.1.0.0/16'], deny: [] },
  suspended: null,
  limits: {
    ...defaultPlan,
    memoryMb: 2048,
    instances: 20,
    budget: { cpuSeconds: 1_800_000, egressBytes: null, requests: 2e6 },
  },
  promised: { apps: 1, instances: 4, memoryMb: 1920, diskMb: 1024 },
  budget: {
    month: '2026-11',
    cpuSeconds: 1_350_000,
    egressBytes: 1024 ** 3,
    requests: 1_500_000,
    alert: null,
    requestAlert: null,
  },
}

describe('berth, on plans, tenants and what runs', function () {
  this.timeout(30_000)
  let api: FakeApi
  let person: Person

  beforeEach(async () => {
    api = await startFakeApi()
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: 't' })
  })
  afterEach(async () => {
    await api.stop()
    await person.leave()
  })

  const bodyOf = (method: string) => api.seen.find((seen) => seen.method === method)?.body

  it('turns the options of a plan into what the API takes', async () => {
    api.answers['POST /v1/plans'] = ok(defaultPlan, 201)
    const options =
      '--memory 2G --cpu 2 --instances 20 --apps 10 --instance-memory 512M --disk 10G --rps 200 --burst 500 --weight 50 ' +
      '--concurrent 100 --client-connections 1000 --websockets none --bandwidth-in 10M --bandwidth-out 1G --requests 10M/month ' +
      '--egress 100G/month --cpu-hours 500/month --bandwidth 100M --connections 500 --connection-rate 50 --log-rate 64K --io 100M'
    const ran = await person.berth(['plans:create', 'small', ...options.split(' ')])
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(bodyOf('POST'), {
      name: 'small',
      memoryMb: 2048,
      cpuMilli: 2000,
      diskMb: 10240,
      instances: 20,
      apps: 10,
      instanceMemoryMb: 512,
      weight: 50,
      requestRate: { perSecond: 200, burst: 500 },
      traffic: {
        concurrent: 100,
        connections: 1000,
        webSockets: null,
        inBytesPerSecond: 1_250_000,
        outBytesPerSecond: 125_000_000,
      },
      budget: { egressBytes: 100 * 1024 ** 3, cpuSeconds: 1_800_000, requests: 1e7 },
      ceilings: {
        networkMbit: 100,
        connections: 500,
        connectionsPerSecond: 50,
        logKbPerSecond: 64,
        ioMbPerSecond: 100,
      },
    })
  })

  it('changes only what is named of a plan, and exits 2 where nothing or nonsense is', async () => {
    api.answers['PATCH /v1/plans/small'] = ok(defaultPlan)
    assert.equal((await person.berth(['plans', 'update', 'small', '--egress', 'none', '--rps', '10'])).code, 0)
    assert.deepEqual(bodyOf('PATCH'), { budget: { egressBytes: null }, requestRate: { perSecond: 10, burst: 20 } })
    for (const wrong of [
      [],
      ['--burst', '3'],
      ['--egress', '1G/week'],
      ['--bandwidth', '1X'],
      ['--log-rate', '1G'],
      ['--requests', '1.5'],
    ])
      assert.equal((await person.berth(['plans:update', 'small', ...wrong])).code, 2, wrong.join(' '))
  })

  it('shows a member its own tenant: the plan, what is promised, and what of the month is used', async () => {
    api.answers['GET /v1/whoami'] = ok({ actor: 'ci', tenant: 'acme', operator: false })
    api.answers['GET /v1/tenants/acme'] = ok(acme)
    const { stdout, code } = await person.berth(['tenants:info'])
    assert.equal(code, 0)
    assert.match(stdout, /^Memory: +1\.88 GiB of 2\.00 GiB$/m)
    assert.match(stdout, /^Instances: +4 of 20$/m)
    assert.match(stdout, /^CPU hours in 2026-11: +375 of 500$/m)
    assert.match(stdout, /^Egress in 2026-11: +1\.00 GiB, no limit$/m)
  })

  it('gives a plan, and says what the tenant has beyond it', async () => {
    api.answers['PATCH /v1/tenants/acme'] = ok({ ...acme, promised: { ...acme.promised, memoryMb: 4096 } })
    const ran = await person.berth(['tenants:set-plan', 'acme', 'small'])
    assert.deepEqual(bodyOf('PATCH'), { plan: 'small' })
    assert.match(ran.stderr, /acme has more than small allows \(4\.00 GiB memory\)/)
  })

  it('limits a tenant’s traffic and an app’s part of it, and takes both back', async () => {
    const quota = { ...defaultCaps, requests: null }
    const view = { app: 'hello', tenant: 'acme', quota, ofTenant: { ...defaultCaps, requests: acme.requestRate } }
    api.answers['PATCH /v1/tenants/acme'] = ok(acme)
    api.answers['PATCH /v1/apps/hello/quota'] = ok(view)
    api.answers['GET /v1/apps/hello/quota'] = ok(view)
    api.answers['DELETE /v1/apps/hello/quota'] = ok(null, 204)
    const calls: [string[], unknown][] = [
      [
        ['tenants:rate', 'acme', '--concurrent', '5', '--bandwidth-out', '8M'],
        { traffic: { concurrent: 5, outBytesPerSecond: 1e6 } },
      ],
      [
        ['quota:set', '--rps', '50', '--concurrent', '20', '-a', 'hello'],
        { requests: { perSecond: 50, burst: 100 }, concurrent: 20 },
      ],
      [['quota:set', '--rps', 'none', '--websockets', 'none', '-a', 'hello'], { requests: null, webSockets: null }],
    ]
    for (const [args, body] of calls) {
      api.seen.length = 0
      const ran = await person.berth(args)
      assert.equal(ran.code, 0, ran.stderr)
      assert.deepEqual(bodyOf('PATCH'), body)
    }
    assert.match((await person.berth(['quota', '-a', 'hello'])).stdout, /^Requests: +no limit$/m)
    assert.equal((await person.berth(['quota:clear', '-a', 'hello'])).code, 0)
    for (const wrong of [
      ['quota:set', '-a', 'hello'],
      ['tenants:rate', 'acme'],
      ['tenants:rate', 'acme', '--burst', '3'],
    ])
      assert.equal((await person.berth(wrong)).code, 2, wrong.join(' '))
  })

  it('sets cores and networks, and takes both back', async () => {
    api.answers['PATCH /v1/tenants/acme'] = ok(acme)
    const calls: [string[], unknown][] = [
      [['tenants:set', 'acme', '--cpus', '2-3'], { cpus: '2-3' }],
      [['tenants:set', 'acme', '--cpus', 'none'], { cpus: null }],
      [
        ['tenants:egress', 'acme', '--allow', '10.1.0.0/16,10.2.0.0/16', '--deny', 'none'],
        { egress: { allow: ['10.1.0.0/16', '10.2.0.0/16'], deny: [] } },
      ],
    ]
    for (const [args, body] of calls) {
      api.seen.length = 0
      assert.equal((await person.berth(args)).code, 0)
      assert.deepEqual(bodyOf('PATCH'), body)
    }
  })

  it('suspends with a reason only, and says when a budget keeps a resumed tenant stopped', async () => {
    assert.equal((await person.berth(['tenants:suspend', 'acme'])).code, 2)
    api.answers['POST /v1/tenants/acme/suspend'] = ok(acme)
    assert.equal((await person.berth(['tenants:suspend', 'acme', '--reason', 'sends spam'])).code, 0)
    assert.deepEqual(bodyOf('POST'), { reason: 'sends spam' })
    const suspended = { at: acme.createdAt, by: 'berth', reason: 'budget: 100 % of 500 CPU hours in 2026-11 is used' }
    api.answers['POST /v1/tenants/acme/resume'] = ok({ ...acme, suspended })
    const { stdout } = await person.berth(['tenants:resume', 'acme'])
    assert.match(stdout, /stays stopped by its budget: 100 %.*tenants:set-plan acme/)
  })

  const size = { memoryMb: 256, cpuMilli: 500, pids: 256, diskMb: 1024 }
  const resizing = (...seen: InstanceView[]) => {
    api.answers['GET /v1/apps/hello'] = ok({ name: 'hello', release: 1 })
    api.answers['GET /v1/apps/hello/formation'] = ok({ formation: { web: { count: 1, size } } })
    api.answers['PATCH /v1/apps/hello/formation'] = ok({ formation: { web: { count: 1, size } } })
    api.answers['GET /v1/apps/hello/instances'] = (response, request) =>
      ok({ instances: [seen.length > 1 ? seen.shift() : seen[0]] })(response, request)
  }
  const asked = anInstance({ memoryMb: 256, cpuMilli: 500, upToDate: false })

  it('resizes, and waits until the kernel holds the instances to the new size', async () => {
    const done = { ...asked, upToDate: true, applied: { memoryMb: 256, cpuMilli: 500, paused: false } }
    resizing(anInstance({}), anInstance({}), asked, done)
    const ran = await person.berth(['ps:resize', 'web', '--memory', '256M', '--cpu', '0.5', '-a', 'hello'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(bodyOf('PATCH'), { web: { memoryMb: 256, cpuMilli: 500 } })
    assert.equal(ran.stderr, 'web: 0 of 1 running\nweb: 1 of 1 running\n')
  })

  it('ends with 1 when a host keeps an instance at its size, and with the figure when the API refuses', async () => {
    resizing(anInstance({}), { ...asked, upToDate: true, detail: 'web.1 uses 310 MB.' })
    const kept = await person.berth(['ps:resize', 'web', '--memory', '256M', '-a', 'hello'])
    assert.equal(kept.code, 1)
    assert.match(kept.stderr, /web\.1 keeps 512 MiB: web\.1 uses 310 MB/)
    const sentence = 'web.2 uses 310 MB; --memory 256M would kill it. Choose at least 350M.'
    api.answers['PATCH /v1/apps/hello/formation'] = problem(409, 'BELOW_USE', sentence)
    const refused = await person.berth(['ps:resize', 'web', '--memory', '256M', '-a', 'hello'])
    assert.equal(refused.code, 1)
    assert.ok(refused.stderr.startsWith(sentence), refused.stderr)
    for (const wrong of [['web'], ['web=2', '--memory', '1G'], ['web', 'worker', '--memory', '1G']])
      assert.equal((await person.berth(['ps:resize', ...wrong, '-a', 'hello'])).code, 2, wrong.join(' '))
  })

  it('pauses and resumes, and waits until the processes are frozen, or none is', async () => {
    const frozen = anInstance({ applied: { memoryMb: 512, cpuMilli: 1000, paused: true } })
    for (const [verb, seen] of [
      ['pause', [anInstance({}), frozen]],
      ['resume', [frozen, anInstance({})]],
    ] as [string, InstanceView[]][]) {
      resizing(...seen)
      api.seen.length = 0
      api.answers[`POST /v1/apps/hello/${verb}`] = ok({}, 202)
      const ran = await person.berth([`ps:${verb}`, '-a', 'hello'])
      assert.equal(ran.code, 0, ran.stderr)
      assert.match(ran.stdout, new RegExp(`^hello is ${verb}d`))
      assert.equal(api.seen.filter(({ method }) => method === 'GET').length, 2)
    }
    resizing(frozen)
    assert.match((await person.berth(['ps', '-a', 'hello'])).stdout, /^web\.1 +paused /m)
  })
})
