import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import type { App } from '#core/domain/app.ts'
import type { AppName, ProcessType } from '#core/domain/ids.ts'
import { slotOf } from '#core/domain/figures.ts'
import { bucketOf, LATENCY_BUCKETS } from '#core/domain/latency.ts'
import { findApp } from '#core/store/apps.ts'
import { saveDeploy } from '#core/store/deploys.ts'
import { appendEvent } from '#core/store/events.ts'
import { loadRequests, recordAnswered, recordRequests } from '#core/store/answered.ts'
import { recordFigures } from '#core/store/figures.ts'
import { heartbeat } from '#core/store/hosts.ts'
import { assignInstance, forgetInstance, reportInstance, reportStats } from '#core/store/instances.ts'
import { writePoints } from '#core/store/series.ts'
import { startApi, type TestApi } from '../../helpers/api.ts'
import { anEvent } from '../../helpers/events.ts'
import { aLiveHost, aRunningReport, anInstanceOf } from '../../helpers/instances.ts'
import { aPerson, launcher, type Person } from './harness.ts'

describe('berth top, metrics, deploys:watch and events --tail', function () {
  this.timeout(60_000)
  let api: TestApi
  let person: Person
  let app: App
  const children: ChildProcess[] = []

  before(async () => {
    api = await startApi()
    const { store } = api.context
    const member = await api.member('alpha')
    person = await aPerson({ BERTH_API_URL: api.url, BERTH_TOKEN: member })
    await api.call(member, 'POST', '/v1/apps', { name: 'shop' })
    await heartbeat(store, aLiveHost)
    app = (await findApp(store, 'shop' as AppName)) as App
    const desired = anInstanceOf(app, 1)
    await assignInstance(store, desired)
    await reportInstance(store, aLiveHost.id, desired.id, aRunningReport)
    await reportStats(
      store,
      aLiveHost.id,
      new Map([[desired.id, { at: Date.now(), cpuMilli: 250, memoryBytes: 128 * 1024 ** 2 }]]),
    )
  })
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })
  after(async () => {
    await person.leave()
    await api.stop()
  })

  /** A command that goes on, and all that it said. */
  const begin = (program: string, args: string[]): { child: ChildProcess; said: () => string } => {
    const child = spawn(program, args, { cwd: person.home, env: { ...person.env, TERM: 'xterm' } })
    children.push(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    return { child, said: () => said }
  }
  const exitOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.on('exit', resolve))

  const askSomething = async (): Promise<void> => {
    const latency = new Uint32Array(LATENCY_BUCKETS)
    latency[bucketOf(80)] = 100
    const figures = { requests: 100, errors: 5, inBytes: 10_000, outBytes: 2_000_000, latency }
    const slot = slotOf(Date.now()) - 2
    await recordFigures(api.context.store, 'r-1', slot, new Map([[app.id, figures]]))
    await recordAnswered(api.context.store, 'r-1', slot, new Map([[anInstanceOf(app, 1).id, 70]]))
    await recordAnswered(api.context.store, 'r-2', slot, new Map([[anInstanceOf(app, 1).id, 20]]))
  }

  it('shows once what runs and how its requests go, where there is no terminal', async () => {
    await askSomething()
    const { code, stdout } = await person.berth(['top', '-a', 'shop'])
    assert.equal(code, 0)
    assert.match(stdout, /shop +1 of 1 +0\.25 +128 MiB +10 +0\.5 +\d+ ms +\d+ ms +0\.98 KiB +195 KiB/)
    assert.match(stdout, /shop web\.1 +running +v1 +host-1 .* 0\.25 of 1 +128 MiB of 512 MiB +25 % +9 +0/)
    const { instances } = JSON.parse((await person.berth(['top', '--json'])).stdout) as {
      instances: { name: string; requestsPerSecond: number | null }[]
    }
    assert.deepEqual(
      instances.map(({ name, requestsPerSecond }) => [name, requestsPerSecond]),
      [['web.1', 9]],
    )
    assert.equal((await person.berth(['top', '-a', 'none'])).code, 1)
  })

  it('shows how many requests each instance answered in all, each counted once, and nothing of one that is gone', async () => {
    const { store } = api.context
    const instance = anInstanceOf(app, 1).id
    await assignInstance(store, { ...anInstanceOf(app, 2), processType: 'worker' as ProcessType })
    await recordRequests(store, [
      { router: 'r-1', instance, count: 1200 },
      { router: 'r-2', instance, count: 30 },
    ])
    // Delivered again, and late.
    await recordRequests(store, [
      { router: 'r-1', instance, count: 1200 },
      { router: 'r-1', instance, count: 900 },
      { router: 'r-2', instance, count: 34 },
    ])
    const { stdout } = await person.berth(['ps', '-a', 'shop'])
    assert.match(stdout, /web\.1 .* 1234 +0\n/)
    assert.match(stdout, /worker\.2 .* - +0\n/)
    const gone = anInstanceOf(app, 3)
    await assignInstance(store, gone)
    await recordRequests(store, [{ router: 'r-1', instance: gone.id, count: 5 }])
    await forgetInstance(store, gone)
    await forgetInstance(store, anInstanceOf(app, 2))
    await recordRequests(store, [{ router: 'r-1', instance: gone.id, count: 6 }])
    assert.deepEqual([...(await loadRequests(store, [gone.id]))], [])
  })

  it('draws on a terminal in place, and leaves it as it was when somebody types q', async () => {
    const { child, said } = begin('script', ['-qec', `${launcher} top`, '/dev/null'])
    await until(() => said().includes('web.1'))
    assert.ok(said().includes('\x1b[?1049h'))
    child.stdin?.write('q')
    assert.equal(await exitOf(child), 0)
    assert.ok(said().trimEnd().endsWith('\x1b[?1049l'), JSON.stringify(said().slice(-80)))
  })

  it('shows how an app did, as bars for people, and as numbers for programs', async () => {
    const index = Math.floor(Date.now() / 10_000) - 3
    const known = new Set<string>()
    for (const [place, cpuMilli] of [100, 200, 400].entries())
      await writePoints(
        api.context.store,
        '10s',
        index - 2 + place,
        new Map([[`app:${app.id}` as const, { cpuMilli }]]),
        known,
      )
    const { stdout, code } = await person.berth(['metrics', '-a', 'shop', '--from', '3m'])
    assert.equal(code, 0)
    assert.match(stdout, /CPU \(cores\) .*▂▄█.* 0\.4 +0\.23 +0\.4/)
    assert.doesNotMatch(stdout, /Memory/)
    const csv = (await person.berth(['metrics', '-a', 'shop', '--csv'])).stdout.split('\r\n')
    assert.equal(csv[0], 'at,cpuMilli')
    assert.deepEqual(
      csv.filter((line) => /,\d/.test(line)).map((line) => line.split(',')[1]),
      ['100', '200', '400'],
    )
    assert.equal((await person.berth(['metrics', '-a', 'shop', '--range', '2h'])).code, 2)
    const host = await person.berth(['metrics', '--host', 'host-1'])
    assert.deepEqual([host.code, /operator/.test(host.stderr)], [1, true])
  })

  it('tells of deploys and events as they happen', async () => {
    const deploys = begin(launcher, ['deploys:watch'])
    const events = begin(launcher, ['events', '--tail', '-a', 'shop'])
    await appendEvent(api.context.store, app.id, anEvent({ text: 'the first' }))
    await until(() => deploys.said().includes('Waiting') && events.said().includes('the first'))
    const deploy = await api.context.deploys.submit({
      app,
      kind: 'config',
      actor: 'ada',
      description: 'Set COLOUR',
      commit: null,
      source: null,
      fromRelease: null,
      config: null,
    })
    await until(() => deploys.said().includes(`shop ${deploy.id} queued: Set COLOUR (ada)`))
    await saveDeploy(api.context.store, {
      ...deploy,
      state: 'failed',
      error: 'it broke',
      endedAt: deploy.createdAt + 2000,
    })
    await until(() => deploys.said().includes(`shop ${deploy.id} failed after 2 s: it broke`))
    await appendEvent(api.context.store, app.id, anEvent({ kind: 'outOfMemory', text: 'too much', lastOutput: ['oh'] }))
    await until(() => /outOfMemory web\.1: too much\n {4}oh\n/.test(events.said()))
    assert.equal(events.said().split('the first').length, 2)
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!isTrue()) {
    assert.ok(Date.now() < deadline, 'it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
