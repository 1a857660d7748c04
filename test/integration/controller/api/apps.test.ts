import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReleaseView } from '#core/contract/api.ts'
import type { App } from '#core/domain/app.ts'
import {
  makeId,
  type AppName,
  type DeployId,
  type HostId,
  type InstanceId,
  type ProcessType,
} from '#core/domain/ids.ts'
import type { Deploy, Release } from '#core/domain/release.ts'
import { defaultResources } from '#core/domain/resources.ts'
import type { LayerDigest } from '#core/domain/ids.ts'
import { findApp, setCurrent, setRollout } from '#core/store/apps.ts'
import { appendDeployLog, createDeploy } from '#core/store/deploys.ts'
import { assignInstance } from '#core/store/instances.ts'
import { appendLogs, readLogsAfter } from '#core/store/logs.ts'
import { createRelease } from '#core/store/releases.ts'
import { giveBuild, giveWork, type TestAgent } from '../../../helpers/agents.ts'
import { endDeploy, startApi, type TestApi } from '../../../helpers/api.ts'
import { aDesired } from '../../../helpers/cluster.ts'

describe('the API', () => {
  let api: TestApi
  let operator: string

  before(async () => {
    api = await startApi()
    operator = api.operator
  })
  after(() => api.stop())
  beforeEach(() => {
    api.submitted.length = 0
    api.play = () => Promise.resolve()
  })

  const newApp = async (name: string): Promise<App> => {
    assert.equal((await api.call(operator, 'POST', '/v1/apps', { name })).status, 201)
    const app = await findApp(api.context.store, name as AppName)
    assert.ok(app)
    return app
  }

  /** A release that went live, as the deploy story leaves it. */
  const release = async (app: App, config: Record<string, string> = {}): Promise<number> => {
    const { store } = api.context
    const deployId = makeId('d', randomBytes(13)) as DeployId
    const version = await createRelease(store, aRelease(app, deployId, config), null)
    assert.ok(version !== null)
    const deploy = aPush(app, deployId, version)
    await createDeploy(store, deploy)
    await endDeploy(api, deploy, { state: 'succeeded' })
    const target = { release: version, generation: 0, since: 1 }
    await setCurrent(store, app.id, target)
    await setRollout(store, app.id, { target, state: 'done', at: 1 })
    return version
  }

  describe('apps', () => {
    it('makes an app with a repository, its own range of user ids, and says where it answers', async () => {
      const { status, body } = await api.call(operator, 'POST', '/v1/apps', { name: 'first' })
      assert.equal(status, 201)
      assert.equal(body.url, 'http://first.localhost:8080/')
      assert.equal(body.gitUrl, `${api.url}/git/first.git`)
      assert.equal(body.tenant, 'default')
      const second = await newApp('second')
      const first = await findApp(api.context.store, 'first' as AppName)
      assert.ok(first && second.uidBase - first.uidBase === 2048 && first.uidBase > 0x10000000)
      assert.equal((await stat(join(api.home, 'git', `${first.id}.git`, 'HEAD'))).uid, 0x0fffffff)
    })

    it('finds a name for an app whose maker gave none', async () => {
      const { status, body } = await api.call(operator, 'POST', '/v1/apps')
      assert.equal(status, 201)
      assert.match(String(body.name), /^[a-z]+-[a-z]+-\d{4}$/)
    })

    it('refuses names that are malformed, reserved or taken, and leaves nothing behind', async () => {
      const { uidBase } = await newApp('taken')
      const before = await readdir(join(api.home, 'git'))
      const codes: Record<string, [number, string]> = {
        Shop: [422, 'NAME_MALFORMED'],
        '../etc': [422, 'NAME_MALFORMED'],
        'xn--a': [422, 'NAME_MALFORMED'],
        a: [422, 'NAME_MALFORMED'],
        api: [422, 'NAME_RESERVED'],
        taken: [409, 'NAME_TAKEN'],
      }
      for (const [name, expected] of Object.entries(codes)) {
        const { status, body } = await api.call(operator, 'POST', '/v1/apps', { name })
        assert.deepEqual([status, body.code], expected)
      }
      assert.deepEqual(await readdir(join(api.home, 'git')), before)
      // Nothing was begun for any of them: the next app has the next range of user ids.
      assert.equal((await newApp('next')).uidBase - uidBase, 2048)
      assert.equal((await api.call(operator, 'POST', '/v1/apps', { tenant: 'nobody' })).status, 404)
    })

    it('C11 gives a name that two claim at once to one of them', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => api.call(operator, 'POST', '/v1/apps', { name: 'race' })))
      assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409])
    })

    it('destroys an app only when its name is confirmed, with its repository and sources', async () => {
      const app = await newApp('doomed')
      assert.equal((await api.call(operator, 'DELETE', '/v1/apps/doomed')).body.code, 'CONFIRM_MISMATCH')
      assert.equal((await api.call(operator, 'DELETE', '/v1/apps/doomed?confirm=other')).status, 422)
      assert.equal((await api.call(operator, 'DELETE', '/v1/apps/doomed?confirm=doomed')).status, 204)
      assert.equal((await api.call(operator, 'GET', '/v1/apps/doomed')).status, 404)
      assert.deepEqual(api.cancelled, [app.id])
      assert.ok(!(await readdir(join(api.home, 'git'))).includes(`${app.id}.git`))
    })
  })

  describe('requests', () => {
    it('answers what is not a request it takes with a problem that names the cause', async () => {
      const json = { 'content-type': 'application/json' }
      const cases: [string, string, string | undefined, Record<string, string>, number, string, RegExp][] = [
        ['POST', '/v1/apps', '{"name":', json, 400, 'NOT_JSON', /not valid JSON/],
        ['POST', '/v1/apps', '{"nmae":"x"}', json, 400, 'BAD_REQUEST', /"nmae"/],
        ['POST', '/v1/apps', '[]', json, 400, 'BAD_REQUEST', /object/],
        ['POST', '/v1/apps', '{"__proto__":{"name":"x"}}', json, 400, 'BAD_REQUEST', /__proto__/],
        ['POST', '/v1/apps', `{"name":"${'x'.repeat(300_000)}"}`, json, 413, 'BODY_TOO_LARGE', /262144/],
        ['POST', '/v1/apps', 'name=x', { 'content-type': 'text/plain' }, 415, 'WRONG_MEDIA_TYPE', /text\/plain/],
        ['POST', '/v1/apps', 'x', { ...json, 'content-encoding': 'gzip' }, 415, 'WRONG_MEDIA_TYPE', /Encoding/],
        ['GET', '/v1/nothing', undefined, {}, 404, 'NOT_FOUND', /page/],
        ['GET', '/nothing', undefined, {}, 404, 'NOT_FOUND', /page/],
        ['PUT', '/v1/apps', '{}', json, 405, 'WRONG_METHOD', /GET or POST/],
        ['GET', '/v1/apps/%ff', undefined, {}, 400, 'BAD_REQUEST', /malformed/],
        ['GET', '/v1/apps/..%2f..%2fetc', undefined, {}, 404, 'NOT_FOUND', /app/],
      ]
      for (const [method, path, body, headers, status, code, detail] of cases) {
        const answer = await api.call(operator, method, path, body, headers)
        assert.deepEqual([answer.status, answer.body.code], [status, code], path + (body ?? '').slice(0, 40))
        assert.match(String(answer.body.detail), detail)
        assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8')
        assert.equal(answer.headers.get('x-request-id'), answer.body.requestId)
        assert.equal(answer.body.type, `urn:berth:error:${code}`)
      }
      assert.equal((await api.call(operator, 'PUT', '/v1/apps', '{}')).headers.get('allow'), 'GET, POST')
    })

    it('carries headers that keep a browser from being used against it', async () => {
      const { status, headers, body } = await api.call(null, 'GET', '/healthz')
      assert.deepEqual([status, body], [200, { ok: true, redis: true }])
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'self'.*frame-ancestors 'none'/)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('x-powered-by'), null)
    })
  })

  describe('config', () => {
    it('S34 gives back what was set, and keeps it sealed in the store', async () => {
      await newApp('vault')
      const secret = 'correct horse battery staple'
      const set = await api.call(operator, 'PATCH', '/v1/apps/vault/config', { DB_URL: secret, EMPTY: '' })
      assert.deepEqual([set.status, set.body], [200, { config: { DB_URL: secret, EMPTY: '' } }])
      assert.deepEqual((await api.call(operator, 'GET', '/v1/apps/vault/config')).body, set.body)
      const dump = await dumpAll(api)
      assert.match(dump, /DB_URL/)
      assert.doesNotMatch(dump, new RegExp(secret))
      const { body } = await api.call(operator, 'PATCH', '/v1/apps/vault/config', { DB_URL: null })
      assert.deepEqual(body, { config: { EMPTY: '' } })
    })

    it('refuses names that no environment can hold and those that the platform sets', async () => {
      await newApp('names')
      for (const name of ['1A', 'A-B', '', 'A=B', 'PORT', 'BERTH_APP', 'ä']) {
        const { status, body } = await api.call(operator, 'PATCH', '/v1/apps/names/config', { OK: '1', [name]: 'x' })
        assert.equal(status, 400, name)
        assert.ok(String(body.detail).includes(name), name)
      }
      const values = { A: 'x'.repeat(40_000), B: 'x'.repeat(40_000) }
      const tooBig = await api.call(operator, 'PATCH', '/v1/apps/names/config', values)
      assert.match(String(tooBig.body.detail), /80006 bytes/)
      assert.deepEqual((await api.call(operator, 'GET', '/v1/apps/names/config')).body, { config: {} })
      assert.equal((await api.call(operator, 'PATCH', '/v1/apps/names/config', { constructor: 'x' })).status, 200)
    })

    it('makes a release of a change, and none of a change that changes nothing', async () => {
      const app = await newApp('changing')
      await release(app)
      const changed = await api.call(operator, 'PATCH', '/v1/apps/changing/config', { GREETING: 'hi' })
      assert.equal(changed.status, 202)
      assert.equal(changed.body.deploy.kind, 'config')
      const [request] = api.submitted
      assert.deepEqual(
        [request?.description, request?.actor, request?.commit],
        ['Set GREETING', 'operator', 'c'.repeat(40)],
      )
      assert.deepEqual(Object.keys(request?.config ?? {}), ['GREETING'])
      await release(app, request?.config ?? {})
      const again = await api.call(operator, 'PATCH', '/v1/apps/changing/config', { GREETING: 'hi', NONE: null })
      assert.deepEqual([again.status, again.body], [200, { config: { GREETING: 'hi' } }])
      assert.equal(api.submitted.length, 1)
      await api.call(operator, 'PATCH', '/v1/apps/changing/config', { GREETING: null })
      assert.equal(api.submitted[1]?.description, 'Remove GREETING')
    })

    it('loses none of two changes at once', async () => {
      await newApp('busy')
      const names = Array.from({ length: 8 }, (_, index) => `V${index}`)
      await Promise.all(names.map((name) => api.call(operator, 'PATCH', '/v1/apps/busy/config', { [name]: 'x' })))
      const { body } = await api.call(operator, 'GET', '/v1/apps/busy/config')
      assert.deepEqual(Object.keys(body.config as object).sort(), names)
    })
  })

  describe('formation', () => {
    it('changes what is named, keeps the rest, and wakes the reconciler', async () => {
      const app = await newApp('scaled')
      await release(app)
      const woken = api.wakes
      const { status, body } = await api.call(operator, 'PATCH', '/v1/apps/scaled/formation', {
        web: { count: 2, memoryMb: 256 },
      })
      assert.equal(status, 200)
      assert.deepEqual(body.formation, { web: { count: 2, size: { ...defaultResources, memoryMb: 256 } } })
      const more = await api.call(operator, 'PATCH', '/v1/apps/scaled/formation', { web: { cpuMilli: 500 } })
      assert.deepEqual(more.body.formation.web, {
        count: 2,
        size: { ...defaultResources, memoryMb: 256, cpuMilli: 500 },
      })
      assert.equal(api.wakes, woken + 2)
    })

    it('refuses process types that the release does not have', async () => {
      const app = await newApp('typed')
      assert.equal((await api.call(operator, 'PATCH', '/v1/apps/typed/formation', { any: { count: 1 } })).status, 200)
      await release(app)
      for (const type of ['worker', 'constructor']) {
        const { status, body } = await api.call(operator, 'PATCH', '/v1/apps/typed/formation', { [type]: { count: 1 } })
        assert.deepEqual([status, body.code], [422, 'UNKNOWN_PROCESS_TYPE'])
        assert.match(String(body.detail), /has: web/)
      }
      for (const wrong of [{ release: { count: 1 } }, { web: { count: -1 } }, { web: { count: 1.5 } }, { 'a b': {} }])
        assert.equal((await api.call(operator, 'PATCH', '/v1/apps/typed/formation', wrong)).status, 400)
    })
  })

  describe('releases', () => {
    it('lists them newest first, with what became of each', async () => {
      const { store } = api.context
      const app = await newApp('history')
      await release(app)
      await release(app)
      const failed = await createRelease(store, aRelease(app, 'd-none' as DeployId, {}), null)
      const target = { release: failed ?? 0, generation: 0, since: 1 }
      await setRollout(store, app.id, { target, state: 'failed', at: 1, reason: 'it crashed' })
      const { body } = await api.call(operator, 'GET', '/v1/apps/history/releases')
      const releases = body.releases as { version: number; status: string }[]
      const found = releases.map(({ version, status }) => [version, status])
      assert.deepEqual(found, [
        [3, 'failed'],
        [2, 'live'],
        [1, 'superseded'],
      ])
      assert.equal((await api.call(operator, 'GET', '/v1/apps/history/releases/v2')).body.current, true)
      assert.equal((await api.call(operator, 'GET', '/v1/apps/history/releases/9')).status, 404)
      assert.deepEqual((await api.call(operator, 'GET', '/v1/apps/history')).body.rollout, {
        release: 3,
        state: 'failed',
        detail: 'it crashed',
      })
      const back = await api.call(operator, 'POST', '/v1/apps/history/rollback')
      assert.equal(back.body.deploy.description, 'Rollback to v1')
      assert.equal(
        (await api.call(operator, 'POST', '/v1/apps/history/rollback', { release: 3 })).body.code,
        'RELEASE_NOT_USABLE',
      )
    })

    it('rolls back to the release before, with its config', async () => {
      const app = await newApp('backwards')
      assert.equal((await api.call(operator, 'POST', '/v1/apps/backwards/rollback')).body.code, 'NO_RELEASE')
      const sealed = api.context.sealer.seal(app.id, 'COLOUR', 'blue')
      await release(app, { COLOUR: sealed })
      assert.equal((await api.call(operator, 'POST', '/v1/apps/backwards/rollback')).body.code, 'NO_EARLIER_RELEASE')
      await release(app)
      const { status } = await api.call(operator, 'POST', '/v1/apps/backwards/rollback')
      assert.equal(status, 202)
      assert.deepEqual(
        api.submitted.map(({ kind, fromRelease, description }) => [kind, fromRelease, description]),
        [['rollback', 1, 'Rollback to v1']],
      )
      assert.deepEqual((await api.call(operator, 'GET', '/v1/apps/backwards/config')).body, {
        config: { COLOUR: 'blue' },
      })
      const current = await api.call(operator, 'POST', '/v1/apps/backwards/rollback', { release: 2 })
      assert.equal(current.body.code, 'RELEASE_NOT_USABLE')
    })

    it('lists a change of sizes under a number of its own, and starts nothing for it', async () => {
      const app = await newApp('sized')
      const formation = (patch: object) => api.call(operator, 'PATCH', '/v1/apps/sized/formation', patch)
      await formation({ web: { count: 1, memoryMb: 256 } })
      await formation({ web: { memoryMb: 512 } })
      await release(app)
      const { target } = (await findApp(api.context.store, app.name)) ?? {}
      await formation({ web: { count: 2 } })
      await formation({ web: { memoryMb: 300 } })
      await formation({ web: { memoryMb: 512, cpuMilli: 500 } })
      await formation({ web: { memoryMb: 512, cpuMilli: 500, count: 3 } })
      const { body } = await api.call(operator, 'GET', '/v1/apps/sized/releases')
      const releases = body.releases as ReleaseView[]
      assert.deepEqual(
        releases.map(({ version, status, current, description }) => [version, status, current, description]),
        [
          [3, 'live', false, 'Resize web to 512 MB, 0.5 CPU'],
          [2, 'superseded', false, 'Resize web to 300 MB, 1 CPU'],
          [1, 'live', true, 'Deploy ccccccc'],
        ],
      )
      assert.deepEqual((await api.call(operator, 'GET', '/v1/apps/sized/releases/v2')).body.sizes, {
        web: { memoryMb: 300, cpuMilli: 1000 },
      })
      assert.deepEqual((await findApp(api.context.store, app.name))?.target, target)
      assert.equal(await release(app), 4)
    })

    it('rolls back over changes of sizes, to code only, and leaves the sizes as they are', async () => {
      const app = await newApp('sized-back')
      await release(app)
      await api.call(operator, 'PATCH', '/v1/apps/sized-back/formation', { web: { count: 1, memoryMb: 256 } })
      await api.call(operator, 'PATCH', '/v1/apps/sized-back/formation', { web: { memoryMb: 300 } })
      await release(app)
      const before = await findApp(api.context.store, app.name)
      const refused = await api.call(operator, 'POST', '/v1/apps/sized-back/rollback', { release: 2 })
      assert.deepEqual([refused.status, refused.body.code], [409, 'RELEASE_NOT_USABLE'])
      assert.match(String(refused.body.detail), /it changed sizes only; give the sizes .* berth ps:resize/)
      assert.equal((await api.call(operator, 'POST', '/v1/apps/sized-back/rollback')).status, 202)
      assert.deepEqual(
        api.submitted.map(({ fromRelease }) => fromRelease),
        [1],
      )
      assert.deepEqual((await findApp(api.context.store, app.name))?.formation, before?.formation)
      assert.equal(before?.formation['web' as ProcessType]?.size.memoryMb, 300)
    })

    it('restarts what serves, and gives way to no newer release by that', async () => {
      const { store } = api.context
      const app = await newApp('restarted')
      assert.equal((await api.call(operator, 'POST', '/v1/apps/restarted/restart')).body.code, 'NO_RELEASE')
      await release(app)
      for (const generation of [1, 2]) {
        assert.equal((await api.call(operator, 'POST', '/v1/apps/restarted/restart')).status, 202)
        const target = (await findApp(store, app.name))?.target
        assert.deepEqual([target?.release, target?.generation], [1, generation])
      }
      const failed = await createRelease(store, aRelease(app, 'd-none' as DeployId, {}), null)
      const target = { release: failed ?? 0, generation: 0, since: 1 }
      await setRollout(store, app.id, { target, state: 'failed', at: 1, reason: 'it crashed' })
      await api.call(operator, 'POST', '/v1/apps/restarted/restart')
      assert.equal((await findApp(store, app.name))?.target?.release, 1)
    })
  })

  describe('deploys, instances, logs and usage', () => {
    it('streams a deploy’s log to its end', async () => {
      const app = await newApp('streamed')
      await release(app)
      api.play = async (deploy) => {
        await appendDeployLog(api.context.store, deploy.id, ['-----> one'])
        await endDeploy(api, deploy, { state: 'failed', error: 'it did not start' }, ['-----> two'])
      }
      const { body } = await api.call(operator, 'PATCH', '/v1/apps/streamed/config', { A: 'x' })
      const { id } = body.deploy as { id: string }
      const response = await fetch(`${api.url}/v1/apps/streamed/deploys/${id}/log`, {
        headers: { authorization: `Bearer ${operator}` },
      })
      const lines = (await response.text())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { line: string; end: { state: string; error: string } })
      assert.deepEqual(lines.slice(0, 2), [{ line: '-----> one' }, { line: '-----> two' }])
      assert.deepEqual([lines[2]?.end.state, lines[2]?.end.error], ['failed', 'it did not start'])
      const { body: list } = await api.call(operator, 'GET', '/v1/apps/streamed/deploys')
      assert.equal(list.deploys[0].id, id)
      await newApp('elsewhere')
      assert.equal((await api.call(operator, 'GET', `/v1/apps/elsewhere/deploys/${id}`)).status, 404)
    })

    it('shows instances, and calls them lost when their host’s lease lapsed', async () => {
      const app = await newApp('placed')
      await assignInstance(api.context.store, anInstance(app))
      const { body } = await api.call(operator, 'GET', '/v1/apps/placed/instances')
      assert.deepEqual([body.instances[0].name, body.instances[0].state], ['web.1', 'lost'])
      assert.equal((await api.call(operator, 'GET', '/v1/instances')).body.instances.length, 1)
    })

    it('shows the newest lines, filters them, and follows what comes', async () => {
      const app = await newApp('talking')
      const line = (ps: string, text: string) => ({
        at: '2026-01-01T00:00:00Z',
        source: 'app' as const,
        ps,
        line: text,
      })
      await appendLogs(api.context.store, app.id, [line('web.1', 'a'), line('worker.1', 'b'), line('web.2', 'c')])
      const read = async (query: string) => {
        const response = await fetch(`${api.url}/v1/apps/talking/logs${query}`, {
          headers: { authorization: `Bearer ${operator}` },
        })
        return [...(await response.text()).matchAll(/"line":"(.)"/g)].map(([, text]) => text).join('')
      }
      assert.equal(await read(''), 'abc')
      assert.equal(await read('?n=2'), 'bc')
      assert.equal(await read('?n=0'), '')
      assert.equal(await read('?ps=web'), 'ac')
      assert.equal(await read('?ps=web&n=1'), 'c')
      assert.equal(await read('?ps=web.1'), 'a')
      assert.equal(await read('?source=build'), '')
      assert.equal(await read('?grep=b'), 'b')
      assert.equal(await read('?since=2026-01-01T00:00:00Z&n=1'), 'c')
      assert.equal(await read('?since=2026-01-01T00:00:01Z'), '')
      assert.equal(await read('?until=2026-01-01T00:00:00Z'), '')
      for (const wrong of ['n=many', 'n=10001', 'since=yesterday', 'after=1', 'grep=', 'source=nowhere'])
        assert.equal((await api.call(operator, 'GET', `/v1/apps/talking/logs?${wrong}`)).status, 400, wrong)
      const [first] = await readLogsAfter(api.context.store, app.id, '0-0-0')
      assert.equal(await read(`?after=${first?.id}`), 'bc')

      const leave = new AbortController()
      const tail = await fetch(`${api.url}/v1/apps/talking/logs?n=1&tail=1`, {
        headers: { authorization: `Bearer ${operator}` },
        signal: leave.signal,
      })
      let seen = ''
      for await (const chunk of tail.body as unknown as AsyncIterable<Uint8Array>) {
        seen += Buffer.from(chunk).toString()
        if (seen.includes('"c"') && !seen.includes('"d"'))
          await appendLogs(api.context.store, app.id, [line('web.1', 'd')])
        if (seen.includes('"d"')) break
      }
      leave.abort()
      assert.doesNotMatch(seen, /"b"/)
    })

    it('shows usage from nothing', async () => {
      await newApp('idle')
      const { body } = await api.call(operator, 'GET', '/v1/apps/idle/usage')
      assert.deepEqual([body.app, body.usage.requests, body.memoryMbHours], ['idle', 0, 0])
      assert.match(String(body.from), /-01T00:00:00.000Z$/, 'since the beginning of the month')
    })
  })

  describe('what agents ask', () => {
    let agent: TestAgent
    before(async () => {
      agent = await api.agentOf('gone')
    })

    it('gives the launch spec with opened config, below what the platform sets', async () => {
      const app = await newApp('launched')
      const sealed = api.context.sealer.seal(app.id, 'MODE', 'mine')
      await release(app, { MODE: sealed })
      await assignInstance(api.context.store, { ...anInstance(app), id: 'i-launched' as InstanceId })
      const { status, body } = await agent.call('GET', '/internal/instances/i-launched/launch')
      assert.equal(status, 200)
      assert.equal(body.command, 'node server.js')
      assert.deepEqual(body.env, {
        NODE_ENV: 'production',
        MODE: 'mine',
        BERTH_APP: 'launched',
        BERTH_PROCESS: 'web.1',
        BERTH_RELEASE: 'v1',
        BERTH_INSTANCE: 'i-launched',
      })
      assert.equal((await agent.call('GET', '/internal/instances/i-none/launch')).status, 404)
    })

    it('gives the build spec with the slug before, for pushes only', async () => {
      const app = await newApp('built')
      await api.call(operator, 'PATCH', '/v1/apps/built/config', { TOKEN: 'x' })
      await release(app)
      const id = makeId('d', randomBytes(13)) as DeployId
      await createDeploy(api.context.store, aPush(app, id, 1))
      await giveBuild(api.context, 'gone', id)
      const { body } = await agent.call('GET', `/internal/deploys/${id}/build`)
      assert.deepEqual([body.appId, body.commit, body.env], [app.id, 'c'.repeat(40), { TOKEN: 'x' }])
      assert.equal(body.previous.buildpack, 'node')
      const { status } = await agent.call('GET', `/internal/deploys/${id}/source`)
      assert.equal(status, 404)
      const config = await api.call(operator, 'PATCH', '/v1/apps/built/config', { TOKEN: 'y' })
      await giveBuild(api.context, 'gone', String(config.body.deploy.id))
      assert.equal((await agent.call('GET', `/internal/deploys/${config.body.deploy.id}/build`)).status, 404)
    })

    it('S31 keeps a layer whose bytes match its digest, and nothing of one whose do not', async () => {
      const bytes = randomBytes(200_000)
      const digest = createHash('sha256').update(bytes).digest('hex')
      await giveWork(api.context, 'gone')
      const send = (name: string) => agent.call('PUT', `/internal/layers/${name}`, bytes)
      const has = (name: string) => agent.call('HEAD', `/internal/layers/${name}`)
      assert.equal((await send('0'.repeat(64))).status, 422)
      assert.equal((await has('0'.repeat(64))).status, 404)
      assert.deepEqual(await readdir(join(api.home, 'layers')), [])
      assert.equal((await send(digest)).status, 204)
      assert.equal((await send(digest)).status, 204)
      assert.equal((await has(digest)).headers.get('content-length'), '200000')
      const app = await newApp('layered')
      const made = aRelease(app, 'd-x' as DeployId, {})
      const layers = [{ digest: digest as LayerDigest, bytes: 200_000, kind: 'app' as const }]
      await createRelease(api.context.store, { ...made, slug: { ...made.slug, layers } }, null)
      await assignInstance(api.context.store, anInstance(app))
      const got = await agent.call('GET', `/internal/layers/${digest}`)
      assert.ok(got.bytes.equals(bytes))
      assert.equal((await has('..%2f..%2fmaster-key')).status, 404)
    })
  })
})

describe('the API without Redis', () => {
  it('F says 503 within seconds, and never yes', async function () {
    this.timeout(20_000)
    const api = await startApi()
    try {
      await api.redis.stop()
      const began = performance.now()
      const answers = await Promise.all([
        api.call(api.operator, 'POST', '/v1/apps', { name: 'lost' }),
        api.call(null, 'GET', '/healthz'),
        api.call('nonsense', 'GET', '/v1/apps'),
      ])
      assert.deepEqual(
        answers.map(({ status }) => status),
        [503, 503, 503],
      )
      assert.equal(answers[0].body.code, 'UNAVAILABLE')
      assert.ok(performance.now() - began < 20_000)
    } finally {
      await api.stop()
    }
  })
})

const aRelease = (app: App, deployId: DeployId, config: Record<string, string>): Omit<Release, 'version'> => ({
  appId: app.id,
  slug: {
    layers: [{ digest: 'a'.repeat(64) as LayerDigest, bytes: 1, kind: 'app' }],
    runtimes: [],
    processes: { ['web' as ProcessType]: 'node server.js', ['release' as ProcessType]: 'node migrate.js' },
    env: { NODE_ENV: 'production', MODE: 'default' },
    health: {},
    cron: [],
    buildpack: 'node',
    stack: 'debian',
  },
  config,
  commit: 'c'.repeat(40),
  description: 'Deploy ccccccc',
  actor: 'someone',
  createdAt: 1,
  deployId,
})

const aPush = (app: App, id: DeployId, release: number): Deploy => ({
  id,
  appId: app.id,
  kind: 'push',
  actor: 'someone',
  description: 'Deploy ccccccc',
  createdAt: 1,
  state: 'rolling',
  commit: 'c'.repeat(40),
  source: 'e'.repeat(64),
  fromRelease: null,
  config: null,
  release,
  buildHost: null,
  buildEpoch: 0,
  startedAt: null,
  phases: [],
  releaseRun: null,
  postdeployRun: null,
  error: null,
  endedAt: null,
})

const anInstance = (app: App) =>
  aDesired({
    id: makeId('i', randomBytes(13)) as InstanceId,
    appId: app.id,
    appName: app.name,
    hostId: 'gone' as HostId,
    uidBase: app.uidBase,
    graceMs: 1000,
  })

/** Everything that Redis holds, as one text. */
async function dumpAll({ context: { store } }: TestApi): Promise<string> {
  const dumps = (await store.keys('*')).map(async (key) => {
    switch (await store.type(key)) {
      case 'hash':
        return [key, await store.hgetall(key)]
      case 'list':
        return [key, await store.lrange(key, 0, -1)]
      case 'set':
        return [key, await store.smembers(key)]
      case 'zset':
        return [key, await store.zrange(key, '0', '-1')]
      case 'stream':
        return [key, await store.xrange(key, '-', '+')]
      default:
        return [key, await store.get(key)]
    }
  })
  return JSON.stringify(await Promise.all(dumps))
}
