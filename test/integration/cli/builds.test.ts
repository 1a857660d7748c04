import assert from 'node:assert/strict'
import type { BuildView } from '#core/contract/api.ts'
import { aPerson, lines, ok, problem, startFakeApi, type FakeApi, type Person } from './harness.ts'

const aBuild = (fields: Partial<BuildView>): BuildView => ({
  id: 'd-1',
  kind: 'push',
  state: 'building',
  description: 'Deploy abcdef0',
  actor: 'ada',
  createdAt: new Date().toISOString(),
  endedAt: null,
  commit: 'abcdef0123',
  subject: 'Count the sheep',
  release: null,
  error: null,
  phases: [],
  startedAt: null,
  host: null,
  ...fields,
})

describe('berth builds', function () {
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

  const listed = (...builds: BuildView[]) => (api.answers['GET /v1/apps/hello/builds'] = ok({ builds }))

  it('lists them', async () => {
    const at = Date.now() - 60_000
    listed(
      aBuild({ id: 'd-2' }),
      aBuild({
        state: 'succeeded',
        release: 4,
        host: 'host-a',
        createdAt: new Date(at).toISOString(),
        endedAt: new Date(at + 2400).toISOString(),
      }),
    )
    const { stdout } = await person.berth(['builds', '-a', 'hello'])
    assert.match(stdout, /^d-2 +abcdef0 +building +- +ada +- /m)
    assert.match(stdout, /^d-1 +abcdef0 +succeeded +v4 +ada +host-a +1 min ago +2\.4 s +Count the sheep$/m)
  })

  it('shows the newest with the time that each part took', async () => {
    listed(aBuild({ phases: [{ name: 'detect', ms: 120 }] }))
    const { stdout } = await person.berth(['builds:info', '-a', 'hello'])
    assert.match(stdout, /^- detect: +120 ms$/m)
  })

  it('shows what was printed so far, and follows with -t to the end, whose failure is its own', async () => {
    listed(aBuild({}))
    api.answers['GET /v1/apps/hello/builds/d-1/output'] = lines([{ line: '-----> one' }])
    const sofar = await person.berth(['builds:output', '-a', 'hello'])
    assert.deepEqual([sofar.code, sofar.stdout], [0, '-----> one\n'])
    api.answers['GET /v1/apps/hello/deploys/d-1/log'] = lines([
      { line: '-----> one' },
      { end: aBuild({ state: 'cancelled', error: 'Cancelled by ada.' }) },
    ])
    const followed = await person.berth(['builds:output', '-t', '-a', 'hello'])
    assert.equal(followed.code, 1)
    assert.match(followed.stderr, /was cancelled: Cancelled by ada\./)
  })

  it('cancels the newest that is not over, and waits until it is', async () => {
    listed(aBuild({ id: 'd-2', state: 'failed' }), aBuild({}))
    api.answers['POST /v1/apps/hello/builds/d-1/cancel'] = ok(aBuild({}), 202)
    api.answers['GET /v1/apps/hello/builds/d-1'] = ok(aBuild({ state: 'cancelled', error: 'Cancelled by ada.' }))
    const { code, stdout } = await person.berth(['builds:cancel', '-a', 'hello'])
    assert.deepEqual([code, stdout], [0, 'd-1 is cancelled.\n'])
  })

  it('says when there is nothing to cancel, or when it came too late', async () => {
    listed(aBuild({ state: 'failed' }))
    assert.match((await person.berth(['builds:cancel', '-a', 'hello'])).stderr, /No build of hello waits or runs/)
    api.answers['POST /v1/apps/hello/builds/d-1/cancel'] = problem(
      409,
      'NOT_CANCELLABLE',
      'd-1 is over already (failed).',
    )
    assert.match((await person.berth(['builds:cancel', 'd-1', '-a', 'hello'])).stderr, /is over already/)
    api.answers['POST /v1/apps/hello/builds/d-1/cancel'] = ok(aBuild({ state: 'releasing' }), 202)
    api.answers['GET /v1/apps/hello/builds/d-1'] = ok(aBuild({ state: 'succeeded', release: 9 }))
    const late = await person.berth(['builds:cancel', 'd-1', '-a', 'hello'])
    assert.deepEqual([late.code, /it is live as v9/.test(late.stderr)], [1, true])
  })

  it('purges the cache', async () => {
    api.answers['DELETE /v1/apps/hello/build-cache'] = (response) => void response.writeHead(204).end()
    const { code, stdout } = await person.berth(['builds:cache:purge', '-a', 'hello'])
    assert.equal(code, 0)
    assert.match(stdout, /is purged/)
  })
})
