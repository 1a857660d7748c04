import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { AppView, DeployView, InstanceView } from '#core/contract/api.ts'
import { aPerson, launcher, lines, problem, ok, startFakeApi, type FakeApi, type Person } from './harness.ts'

const app = { name: 'hello', release: 1, url: 'http://hello.localhost:8080', gitUrl: 'x' } as AppView
const deploy = (fields: Partial<DeployView>) =>
  ({ id: 'd-1', state: 'queued', release: null, error: null, ...fields }) as DeployView
const anInstance = (fields: Partial<InstanceView>) =>
  ({
    id: 'i-1',
    name: 'web.1',
    process: 'web',
    state: 'running',
    intent: 'run',
    release: 1,
    host: 'host-1',
    since: new Date().toISOString(),
    restarts: 0,
    reason: null,
    detail: null,
    memoryMb: 512,
    cpuMilli: 1000,
    applied: { memoryMb: 512, cpuMilli: 1000, paused: false },
    upToDate: true,
    cpuMilliUsed: null,
    memoryBytesUsed: null,
    diskMb: 1024,
    diskBytesUsed: null,
    ...fields,
  }) as InstanceView

describe('berth, working on an app', function () {
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

  const setConfig = (end: Partial<DeployView>) => {
    api.answers['PATCH /v1/apps/hello/config'] = ok({ deploy: deploy({}) }, 202)
    api.answers['GET /v1/apps/hello/deploys/d-1/log'] = lines([
      { line: 'Released v2' },
      { line: 'web.1 is up\x1b[2J' },
      { end: deploy(end) },
    ])
  }

  it('sets config vars, follows the deploy, and shows its log harmlessly', async () => {
    setConfig({ state: 'succeeded', release: 2 })
    const ran = await person.berth(['config', 'set', 'A=1', 'KEY=-', '-a', 'hello'], { input: 'two\nlines\n' })
    assert.deepEqual([ran.code, ran.stderr], [0, ''])
    assert.deepEqual(api.seen[0]?.body, { A: '1', KEY: 'two\nlines' })
    assert.equal(ran.stdout, 'Set A, KEY on hello.\nReleased v2\nweb.1 is up\\x1b[2J\nhello runs v2.\n')
  })

  it('exits 1 with the reason when the deploy that it follows fails', async () => {
    setConfig({ state: 'failed', error: 'web.1 exited with code 1' })
    const ran = await person.berth(['config:unset', 'A', '-a', 'hello'])
    assert.equal(ran.code, 1)
    assert.deepEqual(api.seen[0]?.body, { A: null })
    assert.match(ran.stderr, /^The deploy failed: web\.1 exited with code 1 \(deploy d-1\)/)
  })

  it('prints the API object alone on stdout with --json, and exits 1 all the same', async () => {
    setConfig({ state: 'failed', error: 'no' })
    const ran = await person.berth(['config:set', 'A=1', '-a', 'hello', '--json'])
    assert.equal(ran.code, 1)
    assert.deepEqual(JSON.parse(ran.stdout), { deploy: deploy({ state: 'failed', error: 'no' }) })
  })

  it('returns at once with --no-wait', async () => {
    setConfig({})
    const ran = await person.berth(['config:set', 'A=1', '-a', 'hello', '--no-wait'])
    assert.equal(ran.code, 0)
    assert.match(ran.stdout, /berth deploys:log d-1 -a hello/)
    assert.equal(api.seen.length, 1)
  })

  it('says when a change of config needed no release', async () => {
    api.answers['PATCH /v1/apps/hello/config'] = ok({ config: { A: '1' } })
    const ran = await person.berth(['config:set', 'A=1', '-a', 'hello'])
    assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, 'Set A on hello.\n', 'No release was needed.\n'])
  })

  it('takes a log up again where it broke off', async () => {
    setConfig({ state: 'succeeded', release: 2 })
    const whole = api.answers['GET /v1/apps/hello/deploys/d-1/log']
    api.answers['GET /v1/apps/hello/deploys/d-1/log'] = (response) => {
      if (whole) api.answers['GET /v1/apps/hello/deploys/d-1/log'] = whole
      response.writeHead(200)
      response.write('{"line":"Released v2"}\n', () => void setTimeout(() => response.destroy(), 50))
    }
    const ran = await person.berth(['config:set', 'A=1', '-a', 'hello'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal(ran.stdout.match(/Released v2/g)?.length, 1)
  })

  it('prints a value bare, with its own newlines', async () => {
    api.answers['GET /v1/apps/hello/config'] = ok({ config: { KEY: 'a\nb' } })
    assert.equal((await person.berth(['config:get', 'KEY', '-a', 'hello'])).stdout, 'a\nb\n')
    assert.equal((await person.berth(['config:get', 'toString', '-a', 'hello'])).code, 1)
    assert.equal((await person.berth(['config', '-a', 'hello'])).stdout, 'KEY: a\\nb\n')
  })

  it('prints log lines with their source, and passes the filters on', async () => {
    const entry = {
      id: '1-0-1',
      at: '2026-01-01T00:00:00.000Z',
      source: 'app',
      ps: 'web.1',
      line: 'a\tb\x1b[31mc\x1b]0;owned\x07\r',
    }
    api.answers['GET /v1/apps/hello/logs'] = lines([entry])
    const ran = await person.berth(['logs', '-n', '5', '-s', 'app', '-p', 'web', '--grep', 'a', '-a', 'hello'])
    assert.equal(ran.stdout, '2026-01-01T00:00:00.000Z app[web.1]: a\tbc\\x1b]0;owned\\x07\n')
    assert.equal(api.seen[0]?.url, '/v1/apps/hello/logs?n=5&source=app&ps=web&grep=a')
    const asJson = await person.berth(['logs', '--json', '-a', 'hello'])
    assert.deepEqual(JSON.parse(asJson.stdout), entry)
    await person.berth(['logs', '--since', '2026-01-01T00:00:00Z', '--until', '1s', '-a', 'hello'])
    assert.match(api.seen[2]?.url ?? '', /since=2026-01-01T00%3A00%3A00.000Z&until=20/)
    const wrong = await person.berth(['logs', '--since', 'soon', '-a', 'hello'])
    assert.deepEqual([wrong.code, wrong.stdout], [2, ''])
    assert.match(wrong.stderr, /--since must be a time like 10m, 2h, 1d .*, got "soon"/)
  })

  it('goes on behind the last line that it showed when a followed log breaks off', async () => {
    const entry = (n: number) => ({ id: `${n}-0-${n}`, at: 'now', source: 'app', ps: 'web.1', line: `line ${n}` })
    let calls = 0
    api.answers['GET /v1/apps/hello/logs'] = async (response, seen) => {
      calls += 1
      if (calls === 1) {
        response.writeHead(200)
        response.write(JSON.stringify(entry(1)) + '\n' + JSON.stringify(entry(2)) + '\n{"id"')
        // In the middle of a line.
        return void setTimeout(() => response.destroy(), 50)
      }
      if (calls === 2) return lines([entry(3)])(response, seen)
      return problem(404, 'NOT_FOUND', 'There is no app hello.')(response, seen)
    }
    const ran = await person.berth(['logs', '-t', '-a', 'hello'])
    assert.equal(ran.stdout.replaceAll('now app[web.1]: ', ''), 'line 1\nline 2\nline 3\n')
    assert.deepEqual(
      api.seen.map(({ url }) => url),
      ['?tail=1', '?n=0&tail=1&after=2-0-2', '?n=0&tail=1&after=3-0-3'].map((query) => `/v1/apps/hello/logs${query}`),
    )
    assert.match(ran.stderr, /broke off/)
  })

  it('ends quietly when the reader of its output has seen enough', async () => {
    const entry = { at: 'x', source: 'app', ps: 'web.1', line: 'y'.repeat(1000) }
    api.answers['GET /v1/apps/hello/logs'] = (response) => {
      response.writeHead(200)
      const timer = setInterval(() => void response.write(JSON.stringify(entry) + '\n'), 1)
      response.on('close', () => clearInterval(timer))
    }
    const child = spawn(launcher, ['logs', '-t', '-a', 'hello'], { cwd: person.home, env: person.env })
    let stderr = ''
    child.stderr.on('data', (text) => (stderr += String(text)))
    child.stdout.once('data', () => child.stdout.destroy())
    const code = await new Promise((resolve) => child.on('close', resolve))
    assert.deepEqual([code, stderr], [0, ''])
  })

  it('shows instances as a table, and the sentence for what went wrong below it', async () => {
    const instances = [
      anInstance({ cpuMilliUsed: 250, memoryBytesUsed: 67_108_864, requests: 31 }),
      anInstance({ name: 'web.2', state: 'failed', reason: 'outOfMemory', detail: 'It used more than 512 MB.' }),
    ]
    api.answers['GET /v1/apps/hello/instances'] = ok({ instances })
    const ran = await person.berth(['ps', '-a', 'hello'])
    assert.match(ran.stdout, /^web\.1 +running +v1 +host-1 +.+ +0\.25 of 1 +64\.0 MiB of 512 MiB +31 +0$/m)
    assert.match(ran.stdout, /^web\.2 \(v1, outOfMemory\): It used more than 512 MB\.$/m)
    assert.doesNotMatch(ran.stdout, /\x1b/) // eslint-disable-line no-control-regex
    assert.deepEqual(JSON.parse((await person.berth(['ps', '--json', '-a', 'hello'])).stdout), { instances })
  })

  it('shows events with the newest last, and below a failure what its process printed last', async () => {
    const at = new Date().toISOString()
    const event = { at, process: null, instance: null, host: null, release: 2, actor: null, lastOutput: [] }
    const crash = { kind: 'exited', process: 'web.1', text: 'exited with code 1', lastOutput: ['Error: no\x1b[2J'] }
    const released = { kind: 'released', actor: 'ann', text: 'v2 is live' }
    api.answers['GET /v1/apps/hello/events'] = ok({
      events: [
        { ...event, ...crash },
        { ...event, ...released },
      ],
    })
    const ran = await person.berth(['events', '-a', 'hello', '-n', '7', '--kind', 'exited'])
    assert.deepEqual([ran.code, ran.stderr], [0, ''])
    assert.equal(api.seen[0]?.url, '/v1/apps/hello/events?n=7&kind=exited')
    const [, first = '', second = '', third = ''] = ran.stdout.split('\n')
    assert.match(first, /released +- +v2 +ann +v2 is live$/)
    assert.match(second, /exited +web\.1 +v2 +- +exited with code 1$/)
    assert.equal(third, '    Error: no\\x1b[2J')
    assert.equal((await person.berth(['events', '-a', 'hello', '--kind', 'tired'])).code, 2)
  })

  const size = { memoryMb: 512, cpuMilli: 1000, pids: 256, diskMb: 1024 }
  const scaling = (counts: { before: number; after: number }, seenInstances: InstanceView[][]) => {
    api.answers['GET /v1/apps/hello'] = ok(app)
    api.answers['GET /v1/apps/hello/formation'] = ok({ formation: { web: { count: counts.before, size } } })
    api.answers['PATCH /v1/apps/hello/formation'] = ok({ formation: { web: { count: counts.after, size } } })
    api.answers['GET /v1/apps/hello/instances'] = (response, seen) => {
      const instances = seenInstances.length > 1 ? seenInstances.shift() : seenInstances[0]
      return ok({ instances })(response, seen)
    }
  }

  it('scales by a difference, and waits until the instances run', async () => {
    const [one, two] = [anInstance({}), anInstance({ id: 'i-2', name: 'web.2' })]
    scaling({ before: 1, after: 2 }, [[one], [one], [one, { ...two, state: 'starting' }], [one, two]])
    const ran = await person.berth(['scale', 'web+1', '-a', 'hello'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.deepEqual(api.seen.find(({ method }) => method === 'PATCH')?.body, { web: { count: 2 } })
    assert.equal(ran.stderr, 'web: 1 of 2 running\nweb: 2 of 2 running\n')
    assert.match(ran.stdout, /^web +2 +512 MiB +1$/m)
  })

  it('exits 1 with the reason when an instance of the new count fails, whatever failed before', async () => {
    const old = anInstance({ id: 'i-0', name: 'web.9', state: 'failed', detail: 'old' })
    const broken = anInstance({ id: 'i-2', name: 'web.2', state: 'failed', detail: 'It never listened on PORT.' })
    scaling({ before: 1, after: 2 }, [[old], [old], [old, broken]])
    const ran = await person.berth(['ps:scale', 'web=2', '-a', 'hello'])
    assert.equal(ran.code, 1)
    assert.match(ran.stderr, /web\.2 failed: It never listened on PORT\.$/m)
  })

  it('shows the formation when scale is given nothing', async () => {
    scaling({ before: 3, after: 3 }, [[]])
    const ran = await person.berth(['scale', '-a', 'hello'])
    assert.match(ran.stdout, /^web +3 +512 MiB +1$/m)
    assert.equal(
      api.seen.some(({ method }) => method === 'PATCH'),
      false,
    )
  })

  it('destroys by either form, and passes the confirmation on', async () => {
    api.answers['DELETE /v1/apps/hello'] = (response) => void response.writeHead(204).end()
    for (const args of [
      ['apps:destroy', 'hello', '--confirm', 'hello'],
      ['destroy', '-a', 'hello', '--confirm', 'hello'],
      ['apps', 'destroy', 'hello', '--confirm', 'hello'],
    ]) {
      assert.equal((await person.berth(args)).code, 0, args.join(' '))
      assert.equal(api.seen.at(-1)?.url, '/v1/apps/hello?confirm=hello')
    }
  })

  it('rolls back to the release that is named', async () => {
    api.answers['POST /v1/apps/hello/rollback'] = ok({ deploy: deploy({}) }, 202)
    api.answers['GET /v1/apps/hello/deploys/d-1/log'] = lines([{ end: deploy({ state: 'succeeded', release: 5 }) }])
    const ran = await person.berth(['rollback', 'v3', '-a', 'hello'])
    assert.deepEqual([ran.code, ran.stdout], [0, 'hello runs v5.\n'])
    assert.deepEqual(api.seen[0]?.body, { release: 3 })
  })

  it('lists a change of sizes among the releases, and shows its sizes', async () => {
    const release = { version: 7, description: 'Deploy abc', actor: 'ada', createdAt: new Date(0).toISOString() }
    const code = { commit: 'abc', buildpack: 'node', runtimes: [], processes: {}, configNames: [], sizes: null }
    const none = { commit: null, buildpack: null, runtimes: [], processes: {}, configNames: [] }
    const sizes = { web: { memoryMb: 512, cpuMilli: 500 } }
    const live = { ...release, ...code, current: true, status: 'live' }
    const resized = {
      ...release,
      ...none,
      version: 8,
      description: 'Resize web',
      current: false,
      status: 'live',
      sizes,
    }
    api.answers['GET /v1/apps/hello/releases'] = ok({ releases: [resized, live] })
    api.answers['GET /v1/apps/hello/releases/8'] = ok(resized)
    assert.match((await person.berth(['releases', '-a', 'hello'])).stdout, /v8 +live +Resize web .*\nv7 \* +live/)
    assert.match((await person.berth(['releases:info', 'v8', '-a', 'hello'])).stdout, /web: +512 MiB, 0\.5 CPU/)
    assert.match((await person.berth(['releases:info', '-a', 'hello'])).stdout, /v7 \(current\)[^]*Buildpack: +node/)
  })

  it('prints a new token alone on stdout', async () => {
    api.answers['POST /v1/tokens'] = ok(
      { id: 't-1', token: 'new-secret', tenant: 'acme', role: 'member', app: null },
      201,
    )
    const ran = await person.berth(['tokens:create', 'ci'])
    assert.equal(ran.stdout, 'new-secret\n')
    assert.deepEqual(api.seen[0]?.body, { description: 'ci' })
  })
})
